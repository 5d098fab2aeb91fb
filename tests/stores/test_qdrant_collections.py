"""What collections galleries have on a Qdrant server: aliases, leftovers, options, vacuum; TLS, version and health."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import trustme
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.api.service_api import AsyncServiceApi
from qdrant_client.http.exceptions import UnexpectedResponse

from gallery.domain import draft_of
from gallery.errors import GalleryAlreadyExists, GalleryNotFound, StoreUnavailable
from gallery.qdrant_store import QdrantOptions, QdrantStore
from gallery.qdrant_store.health import consensus_problem
from gallery.records import record_of_gallery
from tests.qdrant_server import Address, ServerProcess
from tests.stores.samples import DIMENSION, NOON, entry, make_gallery, make_template, unit


@pytest.fixture
async def store(qdrant: Address) -> AsyncIterator[QdrantStore]:
    opened = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    yield opened
    await opened.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the server does in its own time and tells nobody."""
    async with asyncio.timeout(90):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.1)


async def collections_of(beside: AsyncQdrantClient, gallery_id: str) -> list[str]:
    names = [each.name for each in (await beside.get_collections()).collections]
    return sorted(name for name in names if gallery_id in name)


async def aliases_of(beside: AsyncQdrantClient, gallery_id: str) -> dict[str, str]:
    aliases = (await beside.get_aliases()).aliases
    return {each.alias_name: each.collection_name for each in aliases if gallery_id in each.alias_name}


async def test_a_gallerys_collection_is_replaced_under_its_name_and_all_go_with_it(
    store: QdrantStore, beside: AsyncQdrantClient, prefix: str
) -> None:
    gallery = make_gallery(prefix)
    await store.create_gallery(gallery)
    assert await aliases_of(beside, prefix) == {f"gallery_{prefix}": f"gallery_{prefix}.0"}
    await store.put(prefix, [make_template("ann", 1)])
    await store.create_draft(gallery)
    await store.put(draft_of(prefix), [make_template("bob", 2)])
    await store.publish_draft(prefix)
    (only,) = await collections_of(beside, prefix)
    assert only != f"gallery_{prefix}.0"
    assert await aliases_of(beside, prefix) == {f"gallery_{prefix}": only}
    with pytest.raises(GalleryAlreadyExists):
        await store.create_gallery(gallery)
    assert await store.delete_gallery(prefix) == 1
    assert await collections_of(beside, prefix) == []
    assert await aliases_of(beside, prefix) == {}


async def test_two_who_create_at_once_make_one_gallery(store: QdrantStore, qdrant: Address, prefix: str) -> None:
    second = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    made = [make_gallery(prefix, threshold=value) for value in (0.25, 0.5)]
    creations = [each.create_gallery(gallery) for each, gallery in zip((store, second), made, strict=True)]
    outcomes = await asyncio.gather(*creations, return_exceptions=True)
    assert [type(each) for each in outcomes if each is not None] == [GalleryAlreadyExists]
    assert await second.get_gallery(prefix) == made[outcomes.index(None)]
    await second.close()
    await store.delete_gallery(prefix)


async def test_a_collection_of_an_older_version_is_read_and_can_be_replaced(
    store: QdrantStore, beside: AsyncQdrantClient, prefix: str
) -> None:
    gallery, vectors = make_gallery(prefix), models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    await beside.create_collection(f"gallery_{prefix}", vectors_config=vectors, metadata=record_of_gallery(gallery))
    await store.put(prefix, [make_template("ann", 1)])
    assert gallery in await store.list_galleries(after="", limit=999)
    with pytest.raises(GalleryAlreadyExists):
        await store.create_gallery(gallery)
    await store.create_draft(gallery)
    await store.put(draft_of(prefix), [make_template("bob", 2)])
    await store.publish_draft(prefix)
    assert [each.identity_id for each in await store.list_identities(prefix, after="", limit=9)] == ["bob"]
    assert await store.delete_gallery(prefix) == 1
    assert await collections_of(beside, prefix) == []


async def test_what_a_crash_left_of_an_older_collection_is_cleared_away_and_what_is_being_made_is_not(
    store: QdrantStore, beside: AsyncQdrantClient, prefix: str
) -> None:
    await store.create_gallery(make_gallery(prefix))
    vectors = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    old, fresh = time.time_ns() - 3600 * 10**9, time.time_ns()
    for generation in (old, fresh):
        await beside.create_collection(f"gallery_{prefix}.{generation:x}", vectors_config=vectors)
    await store.compact(prefix)
    assert await collections_of(beside, prefix) == [f"gallery_{prefix}.0", f"gallery_{prefix}.{fresh:x}"]
    await store.delete_gallery(prefix)
    assert await collections_of(beside, prefix) == []
    with pytest.raises(GalleryNotFound):
        await store.get_gallery(prefix)


async def test_an_int8_gallery_is_searched_by_its_copy_and_measured_by_its_vectors(
    qdrant: Address, beside: AsyncQdrantClient, prefix: str
) -> None:
    options = QdrantOptions(shard_number=1, replication_factor=2, write_consistency_factor=1, int8=True)
    store = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port, options=options)
    await store.create_gallery(make_gallery(prefix))
    config = (await beside.get_collection(f"gallery_{prefix}")).config
    assert config.quantization_config is not None
    assert (config.hnsw_config.m, config.params.replication_factor) == (0, 2)
    low = models.OptimizersConfigDiff(indexing_threshold=1)
    await beside.update_collection(f"gallery_{prefix}", optimizers_config=low)
    templates = [make_template(f"person-{seed}", seed) for seed in range(4000)]
    for start in range(0, 4000, 1000):
        await store.put(prefix, templates[start : start + 1000])

    async def is_quantised() -> bool:
        return bool((await beside.get_collection(f"gallery_{prefix}")).indexed_vectors_count)

    await until(is_quantised)
    rows, wrong = np.stack([each.embedding for each in templates]), 0
    for seed in range(50):
        probe = unit(10**6 + seed)
        expected = np.sort(1.0 - rows @ probe)[:5]
        found = [near.distance for near in await store.nearest(prefix, probe, limit=5)]
        wrong += not np.allclose(found, expected, atol=1e-5)
    assert wrong <= 1
    await store.delete_gallery(prefix)
    await store.close()


async def test_deleted_vectors_leave_the_servers_files_by_its_vacuum(qdrant_program: Path, tmp_path: Path) -> None:
    with ServerProcess(qdrant_program, tmp_path) as server:
        address = server.address
        store = QdrantStore(address.url, grpc_port=address.grpc_port)
        await store.create_gallery(make_gallery("lobby"))
        await store.put("lobby", [make_template(f"person-{seed}", seed) for seed in range(1000)])
        vector = (await store.scan("lobby", after=None, limit=1))[0]
        gone = [f"person-{seed}" for seed in range(100)]
        for name in {*gone, vector.info.identity_id}:
            await store.delete_identity("lobby", name)

        async def is_gone() -> bool:
            return not await asyncio.to_thread(is_in_segments, tmp_path, vector.embedding.tobytes())

        await until(is_gone)
        assert await store.count_identities("lobby") <= 900
        await store.close()


def is_in_segments(folder: Path, needle: bytes) -> bool:
    try:
        files = [path for path in folder.glob("storage/collections/*/*/segments/**/*") if path.is_file()]
        return any(needle in path.read_bytes() for path in files)
    except FileNotFoundError:  # the vacuum is just at work
        return True


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def guarded(qdrant_program: Path, tmp_path: Path, authority: trustme.CA) -> Iterator[Address]:
    """A server with TLS on both ports and an API key."""
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    settings = {
        "QDRANT__SERVICE__ENABLE_TLS": "true",
        "QDRANT__SERVICE__API_KEY": "secret",
        "QDRANT__TLS__CERT": str(tmp_path / "cert.pem"),
        "QDRANT__TLS__KEY": str(tmp_path / "key.pem"),
        "QDRANT__TLS__CA_CERT": str(tmp_path / "ca.pem"),
    }
    with ServerProcess(qdrant_program, tmp_path, settings=settings) as server:
        yield Address(server.address.url.replace("http:", "https:"), server.address.grpc_port)


async def test_tls_with_a_ca_of_ones_own_and_a_key(guarded: Address, tmp_path: Path) -> None:
    options = QdrantOptions(ca_file=tmp_path / "ca.pem")
    store = QdrantStore(guarded.url, "secret", grpc_port=guarded.grpc_port, options=options)
    await store.check()
    await store.create_gallery(make_gallery("lobby"))
    await store.put("lobby", [make_template("ann", 1)])
    await store.record_erasures([entry("lobby", NOON)])
    assert (await store.nearest("lobby", unit(1), limit=1))[0].identity_id == "ann"
    await store.close()


async def test_a_server_of_another_authority_or_another_key_is_refused(guarded: Address, tmp_path: Path) -> None:
    for key, ca_file in (("wrong", tmp_path / "ca.pem"), ("secret", tmp_path / "other.pem"), ("secret", None)):
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
        store = QdrantStore(
            guarded.url, key, grpc_port=guarded.grpc_port, timeout=3, options=QdrantOptions(ca_file=ca_file)
        )
        with pytest.raises(StoreUnavailable):
            await store.list_galleries(after="", limit=1)
        await store.close()
    with pytest.raises(StoreUnavailable, match=r"missing\.pem"):
        QdrantStore(guarded.url, options=QdrantOptions(ca_file=tmp_path / "missing.pem"))


async def test_a_server_that_is_not_ready_or_whose_cluster_has_no_leader_is_refused_at_start(
    store: QdrantStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def readyz(self: AsyncServiceApi) -> None:
        raise UnexpectedResponse(503, "Service Unavailable", b"", None)  # type: ignore[arg-type]

    monkeypatch.setattr(AsyncServiceApi, "readyz", readyz)
    with pytest.raises(StoreUnavailable, match="not ready"):
        await store.check()
    monkeypatch.undo()
    await store.check()


@pytest.mark.parametrize(
    ("leader", "thread", "problem"),
    [
        (1, {"consensus_thread_status": "working", "last_update": "2026-01-01T00:00:00Z"}, ""),
        (None, {"consensus_thread_status": "working", "last_update": "2026-01-01T00:00:00Z"}, "no leader"),
        (1, {"consensus_thread_status": "stopped"}, "stopped"),
        (1, {"consensus_thread_status": "stopped_with_err", "err": "disk full"}, "disk full"),
    ],
)
def test_a_broken_consensus_is_said(leader: int | None, thread: dict[str, str], problem: str) -> None:
    raft = {"term": 1, "commit": 1, "pending_operations": 0, "leader": leader, "role": "Follower", "is_voter": True}
    status = models.ClusterStatusOneOf1.model_validate(
        {"status": "enabled", "peer_id": 1, "peers": {}, "raft_info": raft}
        | {"consensus_thread_status": thread, "message_send_failures": {}}
    )
    said = consensus_problem(status)
    assert (problem in said) if problem else said == ""
