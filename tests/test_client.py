import inspect
import io
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import cv2
import grpc
import numpy as np
import pytest
from grpc_status import rpc_status

import gallery
from gallery import AsyncGalleryClient, GalleryClient
from gallery.client import ImageLike
from gallery.client.channel import NOT_RETRIED, RETRIED
from gallery.client.failures import failure_of
from gallery.domain import BulkItem, BulkResult, EncodedImage, Region, StreamAnswer, StreamItem, ThresholdSource
from gallery.errors import (
    CallFailed,
    DeadlineExceeded,
    GalleryAlreadyExists,
    GalleryError,
    GalleryNotFound,
    IdentityNotFound,
    ImageTooLarge,
    InvalidIdentifier,
    InvalidImage,
    InvalidParameter,
    InvalidRegion,
    InvalidRequest,
    Overloaded,
    ServerUnavailable,
    TemplateNotFound,
)
from gallery.use_cases import GalleryUseCases
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceServicer
from gallery.wire.status import status_of
from tests.pictures import png_of
from tests.served import served_by

OWN_METHODS = {"with_timeout", "close", "annotate", "iter_identities"}
FOR_THE_SERVER = {"open_stream"}
TAKEN_AS = {
    EncodedImage: ImageLike,
    Sequence[EncodedImage]: Sequence[ImageLike],
    AsyncIterable[BulkItem | BulkResult]: AsyncIterable[BulkItem],
}
SYNCHRONOUS = {
    AsyncIterable[BulkItem | BulkResult]: Iterable[BulkItem],
    AsyncGenerator[BulkResult, None]: Generator[BulkResult, None, None],
    AsyncIterable[StreamItem]: Iterable[StreamItem],
    AsyncGenerator[StreamAnswer, None]: Generator[StreamAnswer, None, None],
}


@pytest.fixture
def lobby(client: GalleryClient) -> str:
    name = f"lobby-{uuid4().hex}"
    client.create_gallery(name)
    return name


def public_methods(kind: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(method)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("kind", [GalleryClient, AsyncGalleryClient])
def test_a_client_has_the_methods_of_the_use_cases_with_their_parameters_and_answers(kind: type) -> None:
    of_client, of_use_cases = public_methods(kind), public_methods(GalleryUseCases)
    taken_as = TAKEN_AS | (SYNCHRONOUS if kind is GalleryClient else {})
    assert set(of_client) - OWN_METHODS == set(of_use_cases) - FOR_THE_SERVER
    for name in set(of_client) - OWN_METHODS:
        found, expected = of_client[name], of_use_cases[name]
        assert [(each.name, each.kind, each.default) for each in found.parameters.values()] == [
            (each.name, each.kind, each.default) for each in expected.parameters.values()
        ], name
        assert found.return_annotation == taken_as.get(expected.return_annotation, expected.return_annotation), name
        for parameter in expected.parameters.values():
            wanted = taken_as.get(parameter.annotation, parameter.annotation)
            assert found.parameters[parameter.name].annotation == wanted, (name, parameter.name)


def test_people_are_enrolled_identified_verified_and_erased(client: GalleryClient, lobby: str) -> None:
    for person in range(3):
        (enrolled,) = client.enroll(lobby, f"person-{person}", [png_of(person)]).templates
        assert enrolled.created
    assert not client.enroll(lobby, "person-0", [png_of(0)]).templates[0].created

    (answer,) = client.identify(lobby, png_of(1), max_candidates=2)
    assert (answer.matched, answer.identity_id, len(answer.candidates)) == (True, "person-1", 2)
    assert answer.basis.threshold_source is ThresholdSource.MODEL
    assert client.verify_identity(lobby, png_of(2), "person-2").matched
    apart = client.verify_images(png_of(1), png_of(2), gallery_id=lobby, threshold=0.0)
    assert (apart.matched, apart.basis.threshold_source) == (False, ThresholdSource.REQUEST)
    (embedded,) = client.embed(png_of(1))
    assert np.linalg.norm(embedded.embedding) == pytest.approx(1.0, abs=1e-5)

    (template,) = client.get_identity(lobby, "person-0").templates
    client.delete_template(lobby, template.template_id)
    assert client.delete_identity(lobby, "person-1").template_count == 1
    assert [each.identity_id for each in client.list_identities(lobby).items] == ["person-2"]
    assert client.get_gallery(lobby) in client.list_galleries(page_size=1000).items
    assert client.delete_gallery(lobby).template_count == 1


async def test_the_asyncio_client_does_the_same(address: str, tmp_path: Path) -> None:
    picture = tmp_path / "one.png"
    picture.write_bytes(png_of(1))
    async with AsyncGalleryClient(address, timeout=30.0) as client:
        name = (await client.create_gallery(f"hall-{uuid4().hex}", threshold=0.5)).gallery_id
        for person in range(3):
            await client.enroll(name, f"person-{person}", [png_of(person)])
        (answer,) = await client.identify(name, picture)
        assert (answer.identity_id, answer.basis.threshold) == ("person-1", 0.5)
        assert (await client.verify_identity(name, io.BytesIO(png_of(2)), "person-2")).matched
        assert (await client.verify_images(png_of(1), png_of(1))).distance == pytest.approx(0.0, abs=1e-6)
        assert len(await client.embed(EncodedImage(png_of(1), (Region(0, 0, 8, 8), Region(4, 4, 8, 8))))) == 2
        assert [each.identity_id async for each in client.iter_identities(name, page_size=2)] == [
            f"person-{person}" for person in range(3)
        ]
        (template,) = (await client.get_identity(name, "person-0")).templates
        await client.delete_template(name, template.template_id)
        assert (await client.delete_identity(name, "person-1")).template_count == 1
        assert len((await client.list_identities(name)).items) == 1
        assert name in [each.gallery_id for each in (await client.list_galleries(page_size=1000)).items]
        threshold = (await client.get_gallery(name)).threshold
        assert threshold is not None and (threshold.value, threshold.version) == (0.5, 1)
        drawn = await client.annotate(name, picture)
        assert drawn.dtype == np.uint8
        assert (await client.delete_gallery(name)).template_count == 1
        with pytest.raises(GalleryNotFound):
            await client.get_gallery(name)


def test_a_picture_may_be_a_path_bytes_a_stream_or_an_array_of_named_colour_order(
    client: GalleryClient, lobby: str, tmp_path: Path
) -> None:
    content = png_of(5)
    path = tmp_path / "five.png"
    path.write_bytes(content)
    bgr = np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    client.enroll(lobby, "five", [content])
    for source in (
        path,
        str(path),
        io.BytesIO(content),
        gallery.image(path),
        gallery.image(bgr, array_order="BGR"),
        gallery.image(np.ascontiguousarray(bgr[..., ::-1]), array_order="RGB"),
    ):
        assert client.verify_identity(lobby, source, "five").distance == pytest.approx(0.0, abs=1e-5)
    assert client.verify_identity(lobby, gallery.image(bgr, array_order="RGB"), "five").distance > 0.01


def test_an_array_without_a_colour_order_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="BGR"):
        gallery.image(np.zeros((8, 8, 3), np.uint8))


def test_a_file_that_is_not_there_is_refused_before_anything_is_sent(client: GalleryClient, lobby: str) -> None:
    with pytest.raises(InvalidImage, match=r"nowhere\.jpg"):
        client.identify(lobby, "nowhere.jpg")


def test_regions_are_answered_in_their_order(client: GalleryClient, lobby: str) -> None:
    regions = (Region(0, 0, 8, 16), Region(8, 0, 8, 16))
    answers = client.identify(lobby, gallery.image(png_of(1), regions))
    assert [answer.region for answer in answers] == list(regions)
    assert all(not answer.matched and answer.candidates == () for answer in answers)


def test_annotate_draws_into_an_array_and_a_file(client: GalleryClient, lobby: str, tmp_path: Path) -> None:
    client.enroll(lobby, "five", [png_of(5)])
    output = tmp_path / "seen.png"
    drawn = client.annotate(lobby, png_of(5, height=200, width=100), output=output)
    written = cv2.cvtColor(np.asarray(cv2.imread(str(output)), np.uint8), cv2.COLOR_BGR2RGB)
    assert np.array_equal(drawn, written)
    plain = cv2.imdecode(np.frombuffer(png_of(5, height=200, width=100), np.uint8), cv2.IMREAD_COLOR)
    assert plain is not None
    assert drawn.shape[1] >= 100 and not np.array_equal(drawn, plain[..., ::-1])


def test_all_identities_are_listed_over_pages(client: GalleryClient, lobby: str) -> None:
    for person in range(5):
        client.enroll(lobby, f"person-{person}", [png_of(person)])
    names = [each.identity_id for each in client.iter_identities(lobby, page_size=2)]
    assert names == [f"person-{person}" for person in range(5)]


REFUSALS: list[tuple[type[GalleryError], Any]] = [
    (GalleryNotFound, lambda client, name: client.get_gallery("nobody-made-this")),
    (GalleryAlreadyExists, lambda client, name: client.create_gallery(name)),
    (InvalidIdentifier, lambda client, name: client.create_gallery("Not An Id")),
    (InvalidIdentifier, lambda client, name: client.enroll(name, "", [png_of(1)])),
    (InvalidRequest, lambda client, name: client.enroll(name, "someone", [])),
    (InvalidRequest, lambda client, name: client.enroll(name, "\ud800", [png_of(1)])),
    (InvalidImage, lambda client, name: client.identify(name, b"no picture")),
    (InvalidImage, lambda client, name: client.identify(name, b"")),
    (InvalidRegion, lambda client, name: client.identify(name, EncodedImage(png_of(1), (Region(999, 0, 5, 5),)))),
    (InvalidRequest, lambda client, name: client.identify(name, EncodedImage(png_of(1), (Region(2**40, 0, 5, 5),)))),
    (InvalidParameter, lambda client, name: client.identify(name, png_of(1), threshold=float("nan"))),
    (InvalidParameter, lambda client, name: client.identify(name, png_of(1), threshold=2.5)),
    (InvalidParameter, lambda client, name: client.identify(name, png_of(1), max_candidates=0)),
    (InvalidParameter, lambda client, name: client.identify(name, png_of(1), max_candidates=101)),
    (InvalidParameter, lambda client, name: client.list_identities(name, page_size=0)),
    (InvalidParameter, lambda client, name: client.list_identities(name, page_token="never given out")),
    (InvalidRequest, lambda client, name: client.list_galleries(page_size=2**40)),
    (InvalidIdentifier, lambda client, name: client.verify_images(png_of(1), png_of(1), gallery_id="")),
    (IdentityNotFound, lambda client, name: client.verify_identity(name, png_of(1), "stranger")),
    (IdentityNotFound, lambda client, name: client.delete_identity(name, "stranger")),
    (TemplateNotFound, lambda client, name: client.delete_template(name, UUID(int=7))),
]


@pytest.mark.parametrize(("kind", "call"), REFUSALS)
def test_a_refusal_arrives_as_the_exception_it_was(
    client: GalleryClient, lobby: str, kind: type[GalleryError], call: Any
) -> None:
    with pytest.raises(kind):
        call(client, lobby)
    assert client.get_gallery(lobby).gallery_id == lobby


def test_one_client_serves_many_threads(client: GalleryClient, lobby: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        for enrolled in threads.map(lambda person: client.enroll(lobby, f"p{person}", [png_of(person)]), range(24)):
            assert enrolled.templates[0].created
        answers = threads.map(lambda person: client.identify(lobby, png_of(person))[0].identity_id, range(24))
        assert list(answers) == [f"p{person}" for person in range(24)]


class Failing(GalleryServiceServicer):
    """Fails the first calls with what it is told to, and counts them."""

    def __init__(self, code: grpc.StatusCode, times: int = 10**9, error: GalleryError | None = None) -> None:
        self.code, self.times, self.error, self.calls = code, times, error, 0

    def _fail(self, context: Any) -> None:
        self.calls += 1
        if self.calls > self.times:
            return
        if self.error is None:
            context.abort(self.code, "as the test wants it")
            return
        status = rpc_status.to_status(status_of(self.error))
        context.set_trailing_metadata((*status.trailing_metadata, ("grpc-retry-pushback-ms", "10")))
        context.abort(status.code, status.details)

    def GetGallery(self, request: Any, context: Any) -> pb.GetGalleryResponse:  # noqa: N802
        self._fail(context)
        return pb.GetGalleryResponse(gallery=pb.Gallery(gallery_id="lobby"))

    def Enroll(self, request: Any, context: Any) -> pb.EnrollResponse:  # noqa: N802
        self._fail(context)
        return pb.EnrollResponse()

    def DeleteIdentity(self, request: Any, context: Any) -> pb.DeleteIdentityResponse:  # noqa: N802
        self._fail(context)
        return pb.DeleteIdentityResponse(deleted_template_count=1)


def test_reads_and_enrolments_are_repeated_while_the_server_is_unavailable() -> None:
    servicer = Failing(grpc.StatusCode.UNAVAILABLE, times=2)
    with served_by(servicer) as address, GalleryClient(address) as client:
        assert client.get_gallery("lobby").gallery_id == "lobby"
    assert servicer.calls == 3


def test_an_enrolment_larger_than_grpc_keeps_unasked_is_repeated_too() -> None:
    servicer = Failing(grpc.StatusCode.UNAVAILABLE, times=1)
    with served_by(servicer) as address, GalleryClient(address) as client:
        client.enroll("lobby", "ann", [bytes(2**20)])
    assert servicer.calls == 2


async def test_the_asyncio_client_repeats_too() -> None:
    servicer = Failing(grpc.StatusCode.UNAVAILABLE, times=2)
    with served_by(servicer) as address:
        async with AsyncGalleryClient(address) as client:
            assert (await client.get_gallery("lobby")).gallery_id == "lobby"
    assert servicer.calls == 3


def test_an_erasure_is_not_repeated() -> None:
    servicer = Failing(grpc.StatusCode.UNAVAILABLE, times=1)
    with served_by(servicer) as address, GalleryClient(address) as client, pytest.raises(ServerUnavailable):
        client.delete_identity("lobby", "ann")
    assert servicer.calls == 1


def test_an_overloaded_server_is_asked_again_at_its_own_pace_and_then_reported() -> None:
    refusal = Overloaded("all queues are full", retry_after=0.01)
    servicer = Failing(grpc.StatusCode.RESOURCE_EXHAUSTED, times=2, error=refusal)
    with served_by(servicer) as address, GalleryClient(address) as client:
        assert client.get_gallery("lobby").gallery_id == "lobby"
    servicer = Failing(grpc.StatusCode.RESOURCE_EXHAUSTED, error=refusal)
    with served_by(servicer) as address, GalleryClient(address) as client, pytest.raises(Overloaded) as refused:
        client.get_gallery("lobby")
    assert refused.value.retry_after == pytest.approx(0.01)
    assert servicer.calls == 4


def test_every_rpc_is_either_repeated_or_not() -> None:
    rpcs = {method.name for method in pb.DESCRIPTOR.services_by_name["GalleryService"].methods}
    assert set(RETRIED) | set(NOT_RETRIED) == rpcs
    assert not set(RETRIED) & set(NOT_RETRIED)


class Silent(GalleryServiceServicer):
    """Does not answer until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def GetGallery(self, request: Any, context: Any) -> pb.GetGalleryResponse:  # noqa: N802
        self.released.wait(timeout=20)
        return pb.GetGalleryResponse()


def test_every_call_has_a_deadline() -> None:
    servicer = Silent()
    with served_by(servicer) as address, GalleryClient(address) as client:
        with pytest.raises(DeadlineExceeded, match=r"within 0\.2 s"):
            client.with_timeout(0.2).get_gallery("lobby")
        servicer.released.set()


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_that_is_no_deadline_is_refused(timeout: float) -> None:
    with pytest.raises(InvalidParameter):
        GalleryClient("127.0.0.1:50051", timeout=timeout)


@pytest.mark.parametrize("address", ["", "localhost", "http://127.0.0.1:50051", "127.0.0.1:", "127.0.0.1:x"])
def test_an_address_without_a_port_is_refused(address: str) -> None:
    with pytest.raises(InvalidParameter, match="host:port"):
        GalleryClient(address)


def test_a_server_that_is_not_there_is_said_with_its_address_and_how_to_start_one() -> None:
    with served_by(GalleryServiceServicer()) as address:
        pass
    with GalleryClient(address) as client, pytest.raises(ServerUnavailable, match=f"gallery serve --listen {address}"):
        client.list_galleries()


def test_a_proxy_of_the_environment_is_not_asked_for_the_way_to_this_machine(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("grpc_proxy", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with GalleryClient(address) as client:
        assert client.list_galleries(page_size=1).items is not None


class Ended(grpc.RpcError):
    """A call that ended with a status and no details of the gallery's."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> tuple[()]:
        return ()


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_of_grpc_becomes_an_error_of_the_gallery_that_names_the_server(code: grpc.StatusCode) -> None:
    failure = failure_of(Ended(code, "something happened"), "camera-host:50051", 3.0)
    assert isinstance(failure, CallFailed)
    assert "camera-host:50051" in str(failure)


def test_a_request_over_the_servers_limit_is_told_as_too_large() -> None:
    details = "SERVER: Received message larger than max (5000000 vs. 4194304)"
    assert isinstance(failure_of(Ended(grpc.StatusCode.RESOURCE_EXHAUSTED, details), "host:1", 3.0), ImageTooLarge)


def test_a_server_of_something_else_is_recognised() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with GalleryClient(f"127.0.0.1:{port}") as client, pytest.raises(CallFailed, match="no identity gallery"):
        client.get_gallery("lobby")
    server.stop(None).wait()


def test_images_and_matching_are_imported_without_grpc() -> None:
    check = "import sys, gallery.images, gallery.matching; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
