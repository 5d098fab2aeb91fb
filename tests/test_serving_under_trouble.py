"""A server that stops while it works, and one that meets an error nobody foresaw."""

import asyncio
import gc
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gallery import AsyncGalleryClient
from gallery.domain import Embedded, EncodedImage
from gallery.errors import GalleryError
from gallery.onnx_embedder import OnnxEmbedder
from gallery.server import RunningServer, running, serve
from gallery.use_cases import GalleryUseCases
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub
from tests.pictures import png_of
from tests.served import settings_for

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_call_in_flight_is_answered_after_the_server_has_said_that_it_stops(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, entered, gate = png_of(1), threading.Event(), threading.Event()
    embed = OnnxEmbedder.embed_all

    def held(self: OnnxEmbedder, images: Sequence[EncodedImage]) -> list[tuple[Embedded, ...] | GalleryError]:
        if picture in [image.content for image in images]:
            entered.set()
            assert gate.wait(timeout=30)
        return embed(self, images)

    async def let_go_once_it_stops(health: Any) -> None:
        with pytest.raises(grpc.RpcError) as sent_away:
            async for told in health.Watch(health_pb2.HealthCheckRequest()):
                if told.status == NOT_SERVING:
                    gate.set()
        assert sent_away.value.code() is grpc.StatusCode.UNAVAILABLE

    monkeypatch.setattr(OnnxEmbedder, "embed_all", held)
    async with running(settings_for(tmp_path, model_file)) as server:
        client, channel = AsyncGalleryClient(server.address, timeout=60), grpc.aio.insecure_channel(server.address)
        call = asyncio.create_task(client.embed(picture))
        watching = asyncio.create_task(let_go_once_it_stops(health_pb2_grpc.HealthStub(channel)))
        assert await asyncio.to_thread(entered.wait, 30)
    assert len((await call)[0].embedding) == 8
    await watching
    await client.close()
    await channel.close()


async def test_an_error_nobody_foresaw_tells_the_caller_nothing_but_the_id_under_which_the_log_has_it(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(GalleryUseCases, "get_gallery", broken)
    async with (
        running(settings_for(tmp_path, model_file)) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub: Any = GalleryServiceStub(channel)
        with pytest.raises(grpc.RpcError) as failed:
            await stub.GetGallery(pb.GetGalleryRequest(gallery_id="lobby"), metadata=[("x-request-id", "mine-1")])
    error: Any = failed.value
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "mine-1" in error.details() and "secret" not in error.details()
    assert ("x-request-id", "mine-1") in list(error.trailing_metadata())
    assert "a secret of the inside" in caplog.text and "mine-1" in caplog.text


async def test_a_server_that_is_ready_does_not_collect_again_what_it_started_with(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def ready(_: RunningServer) -> None:
        seen.append("ready")
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(gc, "freeze", lambda: seen.append("frozen"))
    await serve(settings_for(tmp_path, model_file), ready)
    assert seen == ["frozen", "ready"]
