"""A Qdrant server that is killed and comes back: nothing acknowledged is lost, and the store finds it again."""

import asyncio
import signal
from pathlib import Path

import pytest

from gallery.errors import StoreUnavailable
from gallery.qdrant_store import QdrantStore
from tests.qdrant_server import ServerProcess
from tests.stores.samples import make_gallery, make_template


async def test_what_was_acknowledged_survives_kill_9_of_the_server(qdrant_program: Path, tmp_path: Path) -> None:
    with ServerProcess(qdrant_program, tmp_path) as server:
        store = QdrantStore(server.address.url, grpc_port=server.address.grpc_port, timeout=5)
        await store.create_gallery(make_gallery("main"))
        await store.put("main", [make_template("ann", seed) for seed in range(10)])
        await store.put("main", [make_template("bob", 1)])
        await store.delete_identity("main", "bob")
        server.stop()
        with pytest.raises(StoreUnavailable):
            await store.put("main", [make_template("ann", 11)])
        server.start()
        for _ in range(50):  # gRPC connects anew within a second
            try:
                await store.check()
                break
            except StoreUnavailable:
                await asyncio.sleep(0.1)
        assert len(await store.list_templates("main", "ann")) == 10
        assert await store.list_templates("main", "bob") == []
        await store.close()


async def test_a_server_that_hangs_is_given_up_on(qdrant_program: Path, tmp_path: Path) -> None:
    with ServerProcess(qdrant_program, tmp_path) as server:
        store = QdrantStore(server.address.url, grpc_port=server.address.grpc_port, timeout=1)
        await store.create_gallery(make_gallery("main"))
        server.signal(signal.SIGSTOP)
        with pytest.raises(StoreUnavailable, match="DEADLINE_EXCEEDED"):
            await store.put("main", [make_template("ann", 1)])
        server.signal(signal.SIGCONT)
        await store.put("main", [make_template("ann", 1)])
        assert len(await store.list_templates("main", "ann")) == 1
        await store.close()
