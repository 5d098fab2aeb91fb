"""Real servers for tests that are not asyncio's own: each on a free port of loopback, in a thread."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

from gallery.server import RunningServer, running
from gallery.settings import Settings
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceServicer, add_GalleryServiceServicer_to_server


def settings_for(folder: Path, model: Path) -> Settings:
    """Settings of a small server: a free port, a store in ``folder``."""
    return Settings(listen="127.0.0.1:0", model=model, store=folder / "store", workers=1, queue=64, grace=5.0)


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Serve the gallery in a thread of its own and yield its address."""
    with served_whole(settings) as server:
        yield server.address


@contextmanager
def served_whole(settings: Settings) -> Iterator[RunningServer]:
    """Serve the gallery in a thread of its own and yield all that is known of it."""
    started: Future[RunningServer] = Future()
    stop: Future[None] = Future()

    async def serve() -> None:
        try:
            async with running(settings) as server:
                started.set_result(server)
                await asyncio.wrap_future(stop)
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield started.result(timeout=60)
    finally:
        if not stop.done():
            stop.set_result(None)
        thread.join(timeout=60)
        assert not thread.is_alive()


@contextmanager
def served_by(servicer: GalleryServiceServicer) -> Iterator[str]:
    """Serve a stand-in that misbehaves as a test wants, and yield its address."""
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    add_GalleryServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
