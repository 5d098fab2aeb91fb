"""A server as a process, as its operator sees it: health, drain, request ids and logs."""

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gallery.cli.demo_server import ServerProcess, started
from gallery.server import SERVICE_NAME
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub
from tests.pictures import png_of

JSON = ("--log-format", "json")
NOT_SERVING, SERVING = health_pb2.HealthCheckResponse.NOT_SERVING, health_pb2.HealthCheckResponse.SERVING


@contextmanager
def stubs(address: str) -> Iterator[tuple[Any, Any]]:
    with grpc.insecure_channel(address) as channel:
        yield GalleryServiceStub(channel), health_pb2_grpc.HealthStub(channel)


def lines_of(store: Path) -> list[Any]:
    return [json.loads(line) for line in store.with_suffix(".log").read_text().splitlines()]


def id_in(call: Any) -> str:
    return str(dict(call.trailing_metadata())["x-request-id"])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operated") / "store"


@pytest.fixture(scope="module")
def server(store: Path, model_file: Path) -> Iterator[ServerProcess]:
    with started(store, model_file, *JSON, "--log-level", "debug") as server:
        yield server


def test_once_the_address_is_said_every_part_serves(server: ServerProcess) -> None:
    with stubs(server.address) as (_, health):
        for name in ("", SERVICE_NAME, "model", "store"):
            assert health.Check(health_pb2.HealthCheckRequest(service=name)).status == SERVING


def test_a_callers_request_id_comes_back_and_stands_in_the_log(server: ServerProcess, store: Path) -> None:
    with stubs(server.address) as (gallery, _):
        request = pb.CreateGalleryRequest(gallery_id="lobby")
        _, call = gallery.CreateGallery.with_call(request, metadata=[("x-request-id", "camera-7/42")])
        assert id_in(call) == "camera-7/42"
        with pytest.raises(grpc.RpcError) as refused:
            gallery.GetGallery(pb.GetGalleryRequest(gallery_id="none"), metadata=[("x-request-id", "camera-7/43")])
        assert id_in(refused.value) == "camera-7/43"
        gallery.ListGalleries(pb.ListGalleriesRequest())  # by its answer, the refusal's line is written
    calls = {line["request_id"]: line for line in lines_of(store) if "request_id" in line}
    assert calls["camera-7/42"]["code"] == "OK"
    assert calls["camera-7/43"]["code"] == "NOT_FOUND"
    assert calls["camera-7/43"]["method"].endswith("GetGallery")
    assert calls["camera-7/43"]["milliseconds"] > 0


@pytest.mark.parametrize("sent", [None, "", "x" * 500, 'a"b'])
def test_a_call_without_an_id_that_can_be_logged_is_given_one(server: ServerProcess, sent: str | None) -> None:
    with stubs(server.address) as (gallery, _):
        metadata = [] if sent is None else [("x-request-id", sent)]
        _, one = gallery.ListGalleries.with_call(pb.ListGalleriesRequest(), metadata=metadata)
        _, other = gallery.ListGalleries.with_call(pb.ListGalleriesRequest(), metadata=metadata)
        assert len(id_in(one)) == len(id_in(other)) == 32
        assert id_in(one) != id_in(other)


def test_what_a_decoder_prints_of_a_damaged_picture_is_a_line_of_the_log(server: ServerProcess, store: Path) -> None:
    damaged = bytearray(png_of(1))
    damaged[-20] ^= 0xFF
    image = pb.Image(content=bytes(damaged))
    with stubs(server.address) as (gallery, _), pytest.raises(grpc.RpcError) as refused:
        gallery.Embed(pb.EmbedRequest(image=image))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    deadline = monotonic() + 30
    while monotonic() < deadline:
        if any(line["message"].startswith("libpng error") and line["level"] == "DEBUG" for line in lines_of(store)):
            return
    raise AssertionError("nothing of libpng's is in the log")


def test_sigterm_says_not_serving_first_still_answers_and_ends_well(tmp_path: Path, model_file: Path) -> None:
    with (
        started(tmp_path / "store", model_file, *JSON, "--settle", "5") as server,
        stubs(server.address) as (gallery, health),
    ):
        gallery.CreateGallery(pb.CreateGalleryRequest(gallery_id="lobby"))
        seen = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE_NAME))
        assert next(seen).status == SERVING
        server.process.send_signal(signal.SIGTERM)
        assert next(seen).status == NOT_SERVING
        picture = pb.Image(content=png_of(1))
        gallery.Enroll(pb.EnrollRequest(gallery_id="lobby", identity_id="ann", images=[picture]))
        seen.cancel()
        assert server.process.wait(timeout=30) == 0
    lines = lines_of(tmp_path / "store")
    assert lines[0]["message"].startswith("serving on ") and lines[-1]["message"] == "stopped"
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    with started(tmp_path / "store", model_file) as server, stubs(server.address) as (gallery, _):
        kept = gallery.GetIdentity(pb.GetIdentityRequest(gallery_id="lobby", identity_id="ann"))
        assert len(kept.templates) == 1


def test_a_server_takes_all_the_open_files_it_may_have(tmp_path: Path, model_file: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # as a server inherits it
    try:
        with started(tmp_path / "store", model_file) as server:
            assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_second_sigterm_ends_it_at_once(tmp_path: Path, model_file: Path) -> None:
    with started(tmp_path / "store", model_file, "--settle", "600") as server, stubs(server.address) as (_, health):
        seen = health.Watch(health_pb2.HealthCheckRequest())
        assert next(seen).status == SERVING
        server.process.send_signal(signal.SIGTERM)
        assert next(seen).status == NOT_SERVING
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 128 + signal.SIGTERM
