"""Traces, as a collector receives them from a real server."""

import builtins
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from gallery import GalleryClient
from gallery.errors import InvalidParameter
from gallery.telemetry.assembled import telemetry_of
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub
from tests.pictures import png_of
from tests.served import served, settings_for

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the spans that it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  # named in the proto
        self.spans += [
            span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
        ]
        return trace_service_pb2.ExportTraceServiceResponse()

    def of(self, method: str) -> Any:
        return next(span for span in self.spans if span.name == f"gallery.v1.GalleryService/{method}")

    def stages_of(self, method: str) -> list[str]:
        call = self.of(method)
        inside = [span for span in self.spans if span.parent_span_id == call.span_id]
        assert all(span.trace_id == call.trace_id for span in inside)
        return [span.name for span in sorted(inside, key=lambda span: span.start_time_unix_nano)]


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    collector, server = Collector(), grpc.server(ThreadPoolExecutor(2))
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Collector:
    """The spans of some calls; all have come once the server has ended."""
    settings = settings_for(tmp_path_factory.mktemp("traced"), model_file)
    with collecting() as (collector, endpoint):
        with served(settings.model_copy(update={"trace_endpoint": endpoint})) as address:
            with GalleryClient(address, timeout=60) as client:
                client.create_gallery("lobby")
                client.enroll("lobby", "ann", [png_of(1)])
                client.identify("lobby", png_of(1))
            with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError):
                metadata = [("traceparent", f"00-{TRACE}-{SPAN}-01"), ("x-request-id", "mine")]
                GalleryServiceStub(channel).GetGallery(pb.GetGalleryRequest(gallery_id="none"), metadata=metadata)
        return collector


def test_a_call_is_a_span_and_its_stages_are_spans_inside(collected: Collector) -> None:
    assert collected.stages_of("Identify")[:2] == ["lookup", "embed"]
    assert "search" in collected.stages_of("Identify")
    assert collected.stages_of("Enroll")[-1] == "write"


def test_a_call_is_part_of_its_callers_trace(collected: Collector) -> None:
    span = collected.of("GetGallery")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    attributes = {each.key: each.value for each in span.attributes}
    assert attributes["request.id"].string_value == "mine"
    assert attributes["rpc.grpc.status_code"].int_value == grpc.StatusCode.NOT_FOUND.value[0]


def test_no_span_says_whom_it_was_about(collected: Collector) -> None:
    assert len(collected.spans) > 5
    for span in collected.spans:
        assert "ann" not in {each.value.string_value for each in span.attributes}
        assert not span.events


async def test_without_opentelemetry_traces_are_refused_with_what_to_install(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "gallery.telemetry.tracing":
            raise ImportError("No module named 'opentelemetry'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    settings = settings_for(tmp_path, model_file).model_copy(update={"trace_endpoint": "http://127.0.0.1:1"})
    with pytest.raises(InvalidParameter, match=r"identity-gallery\[tracing\]"):
        async with telemetry_of(settings):
            pass
