"""What a client makes of servers that fail, are away, are slow or are something else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from grpc_status import rpc_status

from gallery import AsyncGalleryClient, GalleryClient
from gallery.client.channel import NOT_RETRIED, RETRIED
from gallery.client.failures import failure_of
from gallery.errors import (
    CallFailed,
    DeadlineExceeded,
    GalleryError,
    ImageTooLarge,
    InvalidParameter,
    Overloaded,
    ServerUnavailable,
)
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceServicer
from gallery.wire.status import status_of
from tests.served import served_by


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
