"""Keys of a running server: it follows their file, and who may do what, how fast."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gallery import GalleryClient, image
from gallery.access import KeyFile, Role
from gallery.domain import StreamProbe
from gallery.errors import GalleryNotAllowed, KeyEnded, RateLimited, RoleNotAllowed, Unauthenticated
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub
from gallery.wire.status import error_of_call
from tests.access.conftest import Serve
from tests.access.keys import made
from tests.pictures import png_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_running_server_takes_new_keys_and_refuses_revoked_ones(file: Path, serve: Serve) -> None:
    admin = made(file, Role.ADMIN)
    address = serve(keys=file)
    with GalleryClient(address, api_key=admin.token) as client:
        client.create_gallery("lobby")
    probe = made(file, Role.PROBE, "lobby")
    with GalleryClient(address, api_key=probe.token) as client:
        until_answered(client, Unauthenticated, refused=True)
        with pytest.raises(RoleNotAllowed):
            client.delete_gallery("lobby")
        with pytest.raises(GalleryNotAllowed):
            client.get_gallery("garage")
        KeyFile(file).change(lambda keys: [replace(key, revoked_at=NOW) for key in keys])
        until_answered(client, KeyEnded, refused=False)


def until_answered(client: GalleryClient, error: type[Exception], *, refused: bool) -> None:
    """Ask until the answer changes: while it is refused, or until it is."""
    deadline = monotonic() + 30
    while monotonic() < deadline:
        try:
            client.get_gallery("lobby")
            answered = True
        except error:
            answered = False
        if answered is refused:
            return
    raise AssertionError("the server does not follow its key file")


def test_an_open_stream_ends_when_its_key_does(file: Path, serve: Serve) -> None:
    key = made(file, Role.ADMIN)
    address = serve(keys=file)
    with GalleryClient(address, api_key=key.token) as client:
        client.create_gallery("lobby")
    metadata = [("authorization", f"Bearer {key.token}")]
    with grpc.insecure_channel(address) as channel:
        revoked = False

        def messages() -> Any:
            nonlocal revoked
            yield pb.IdentifyStreamRequest(options=pb.IdentifyStreamOptions(gallery_id="lobby"))
            KeyFile(file).change(lambda keys: [replace(each, revoked_at=NOW) for each in keys])
            deadline = monotonic() + 30
            while monotonic() < deadline and not revoked:
                yield pb.IdentifyStreamRequest(end_track=pb.EndTrack(item_id=str(monotonic()), track_id="t"))

        stub: Any = GalleryServiceStub(channel)
        with pytest.raises(grpc.RpcError) as ended:
            for _ in stub.IdentifyStream(messages(), metadata=metadata, timeout=30.0):
                pass
        revoked = True
    assert isinstance(error_of_call(ended.value), KeyEnded)


def test_a_key_beyond_its_rate_is_told_when_to_come_back_and_then_answered(file: Path, serve: Serve) -> None:
    slow, other = made(file, Role.ADMIN, rate=4.0, burst=2), made(file, Role.ADMIN)
    address = serve(keys=file)
    with grpc.insecure_channel(address, [("grpc.enable_retries", 0)]) as channel:
        stub: Any = GalleryServiceStub(channel)

        def ask(token: str) -> object:
            return stub.ListGalleries(pb.ListGalleriesRequest(), metadata=[("authorization", f"Bearer {token}")])

        with pytest.raises(grpc.RpcError) as refused:
            for _ in range(200):
                ask(slow.token)
        error = error_of_call(refused.value)
        assert isinstance(error, RateLimited) and 0.0 < error.retry_after <= 0.25
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for _ in range(5):
            ask(other.token)
    with GalleryClient(address, api_key=slow.token) as client:  # which waits as long as it is told
        for _ in range(3):
            client.list_galleries()


def test_a_stream_beyond_its_keys_rate_is_read_no_faster(file: Path, serve: Serve) -> None:
    slow = made(file, Role.ADMIN, rate=10.0, burst=2)
    with GalleryClient(serve(keys=file), api_key=slow.token) as client:
        client.create_gallery("lobby")
        begun = monotonic()
        probes = (StreamProbe(str(index), image(png_of(index))) for index in range(6))
        answers = list(client.identify_stream("lobby", probes))
    assert [answer.error for answer in answers] == [None] * 6
    assert monotonic() - begun > 0.4, "six messages at ten a second, one of them at once"


def test_a_large_request_and_a_silent_stream_of_a_stranger_are_refused_all_the_same(file: Path, serve: Serve) -> None:
    made(file, Role.ADMIN)
    address = serve(keys=file)
    with GalleryClient(address, timeout=60.0) as client:
        for _ in range(5):
            with pytest.raises(Unauthenticated):
                client.enroll("lobby", "ann", [bytes(8 * 2**20)])
    with grpc.insecure_channel(address) as channel:
        stub: Any = GalleryServiceStub(channel)
        over = Event()

        def silence() -> Iterator[pb.IdentifyStreamRequest]:
            over.wait(60)
            yield from ()

        with pytest.raises(grpc.RpcError) as refused:
            next(stub.IdentifyStream(silence(), timeout=50.0))
        over.set()
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_listing_shows_what_the_key_is_for_and_nothing_of_the_rest(file: Path, serve: Serve) -> None:
    admin, some = made(file, Role.ADMIN), made(file, Role.PROBE, "b-*")
    address = serve(keys=file)
    with GalleryClient(address, api_key=admin.token) as client:
        for name in ("a-1", "b-1", "b-2", "c-1", "b-3", "z-1"):
            client.create_gallery(name)
        assert len(client.list_galleries().items) == 6
    with GalleryClient(address, api_key=some.token) as client:
        shown, token, tokens = [], "", []
        while True:
            page = client.list_galleries(page_size=1, page_token=token)
            shown += [gallery.gallery_id for gallery in page.items]
            token = page.next_page_token
            tokens.append(token)
            if not token:
                break
    assert shown == ["b-1", "b-2", "b-3"]
    assert len(tokens) == 4 and tokens[-1] == ""


def test_no_log_and_no_answer_contains_a_token(file: Path, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fresh = made(file, Role.PROBE)
    address = serve(keys=file, audit=file.parent / "audit", audit_calls="all")
    wrong = fresh.token[:-2] + ("AA" if not fresh.token.endswith("AA") else "BB")
    told = []
    for token in (fresh.token, wrong):
        with GalleryClient(address, api_key=token) as client:
            for ask in (client.list_galleries, lambda client=client: client.delete_gallery("lobby")):
                try:
                    ask()
                except (Unauthenticated, RoleNotAllowed) as error:
                    told.append(f"{error} {error.metadata}")
    assert len(told) == 3
    secret = fresh.token[16:-2]
    assert secret not in caplog.text and secret not in " ".join(told)


@pytest.fixture
def listening(file: Path, serve: Serve) -> Any:
    made(file, Role.PROBE)
    with grpc.insecure_channel(serve(keys=file)) as channel:
        yield GalleryServiceStub(channel)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200), name=st.sampled_from(
    ["authorization", "Authorization", "x-api-key", "authorization-bin"]))  # fmt: skip
def test_no_metadata_does_harm(listening: GalleryServiceStub, value: str, name: str) -> None:
    stub: Any = listening
    sent: Any = value.encode() if name.endswith("-bin") else value.strip()
    for authorization in (sent, f"Bearer {value.strip()}" if isinstance(sent, str) else sent):
        with pytest.raises(grpc.RpcError) as refused:
            stub.ListGalleries(pb.ListGalleriesRequest(), metadata=[(name.lower(), authorization)])
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
