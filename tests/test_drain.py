"""A server that is told to stop while it works: who asks is told to go elsewhere, who waits gets an answer."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gallery import AsyncGalleryClient
from gallery.domain import Embedded, EncodedImage
from gallery.onnx_embedder import OnnxEmbedder
from gallery.server import running
from tests.pictures import png_of
from tests.served import settings_for

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_call_in_flight_is_answered_after_the_server_has_said_that_it_stops(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, entered, gate = png_of(1), threading.Event(), threading.Event()
    embed = OnnxEmbedder.embed

    def held(self: OnnxEmbedder, image: EncodedImage) -> tuple[Embedded, ...]:
        if image.content == picture:
            entered.set()
            assert gate.wait(timeout=30)
        return embed(self, image)

    async def let_go_once_it_stops(health: Any) -> None:
        with pytest.raises(grpc.RpcError) as sent_away:
            async for told in health.Watch(health_pb2.HealthCheckRequest()):
                if told.status == NOT_SERVING:
                    gate.set()
        assert sent_away.value.code() is grpc.StatusCode.UNAVAILABLE

    monkeypatch.setattr(OnnxEmbedder, "embed", held)
    async with running(settings_for(tmp_path, model_file)) as server:
        client, channel = AsyncGalleryClient(server.address, timeout=60), grpc.aio.insecure_channel(server.address)
        call = asyncio.create_task(client.embed(picture))
        watching = asyncio.create_task(let_go_once_it_stops(health_pb2_grpc.HealthStub(channel)))
        assert await asyncio.to_thread(entered.wait, 30)
    assert len((await call)[0].embedding) == 8
    await watching
    await client.close()
    await channel.close()
