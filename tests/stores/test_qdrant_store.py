"""What is the Qdrant store's own: other writers, servers that go and come back, and collections of others."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from qdrant_client import AsyncQdrantClient, models

from gallery.domain import Gallery
from gallery.errors import GalleryNotFound, StoreCorrupt, StoreUnavailable
from gallery.qdrant_store import QdrantStore
from tests.qdrant_server import Address, free_ports
from tests.stores.samples import DIMENSION, make_gallery, make_template, unit


@pytest.fixture
async def client(qdrant: Address) -> AsyncIterator[AsyncQdrantClient]:
    """Somebody else on the same server."""
    opened = AsyncQdrantClient(
        url=qdrant.url, grpc_port=qdrant.grpc_port, prefer_grpc=True, check_compatibility=False, timeout=10
    )
    yield opened
    await opened.close()


@pytest.fixture
async def store(qdrant: Address) -> AsyncIterator[QdrantStore]:
    opened = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    yield opened
    await opened.close()


@pytest.fixture
async def gallery(store: QdrantStore, prefix: str, client: AsyncQdrantClient) -> AsyncIterator[Gallery]:
    created = make_gallery(f"{prefix}-main")
    await store.create_gallery(created)
    yield created
    await client.delete_collection(f"gallery_{created.gallery_id}")


async def test_a_server_that_is_not_there_is_said_with_a_remedy() -> None:
    http_port, grpc_port = free_ports(2)
    store = QdrantStore(f"http://127.0.0.1:{http_port}", grpc_port=grpc_port, timeout=2)
    for call in (store.check(), store.get_gallery("main"), store.create_gallery(make_gallery("main"))):
        with pytest.raises(StoreUnavailable, match=r"UNAVAILABLE.*gRPC port"):
            await call
    await store.close()


async def test_an_address_of_no_server_is_said() -> None:
    with pytest.raises(StoreUnavailable, match="scheme"):
        QdrantStore("ftp://127.0.0.1:6333")


async def test_a_server_that_is_too_old_is_said(store: QdrantStore, monkeypatch: pytest.MonkeyPatch) -> None:
    async def info(self: AsyncQdrantClient) -> models.VersionInfo:
        return models.VersionInfo(title="qdrant", version="1.9.7-dev")

    monkeypatch.setattr(AsyncQdrantClient, "info", info)
    with pytest.raises(StoreUnavailable, match=r"1\.9\.7-dev.*1\.16"):
        await store.check()


async def test_a_collection_of_others_is_no_gallery(store: QdrantStore, client: AsyncQdrantClient, prefix: str) -> None:
    vectors = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    await client.create_collection(f"gallery_{prefix}-foreign", vectors_config=vectors)
    await client.create_collection(f"{prefix}-not-ours", vectors_config=vectors)
    with pytest.raises(StoreCorrupt, match=f"gallery_{prefix}-foreign"):
        await store.get_gallery(f"{prefix}-foreign")
    with pytest.raises(GalleryNotFound):
        await store.get_gallery(f"{prefix}-not-ours")
    await client.delete_collection(f"gallery_{prefix}-foreign")
    await client.delete_collection(f"{prefix}-not-ours")


@pytest.mark.parametrize(
    "payload",
    [None, {"who": "knows"}, {"identity_id": 7, "model_digest": "x", "image_digest": "y", "enrolled_at": "now"}],
    ids=["none", "another's", "wrong types"],
)
async def test_a_point_of_others_is_said(
    store: QdrantStore, client: AsyncQdrantClient, gallery: Gallery, payload: dict[str, object] | None
) -> None:
    point_id = uuid.uuid4()
    point = models.PointStruct(id=str(point_id), vector=unit(1).tolist(), payload=payload)
    await client.upsert(f"gallery_{gallery.gallery_id}", [point], wait=True)
    for call in (store.nearest(gallery.gallery_id, unit(1), limit=3), store.find(gallery.gallery_id, [point_id])):
        with pytest.raises(StoreCorrupt, match=str(point_id)):
            await call


async def test_an_index_that_its_creator_did_not_live_to_make_is_made(
    store: QdrantStore, client: AsyncQdrantClient, gallery: Gallery
) -> None:
    collection = f"gallery_{gallery.gallery_id}"
    await client.delete_payload_index(collection, "identity_id", wait=True)
    assert await store.get_gallery(gallery.gallery_id) == gallery
    assert "identity_id" in (await client.get_collection(collection)).payload_schema


async def test_a_gallery_deleted_by_others_is_soon_unknown(
    store: QdrantStore, client: AsyncQdrantClient, gallery: Gallery
) -> None:
    await store.get_gallery(gallery.gallery_id)
    await client.delete_collection(f"gallery_{gallery.gallery_id}")
    with pytest.raises(GalleryNotFound):
        await store.put(gallery.gallery_id, [make_template("ann", 1)])
    with pytest.raises(GalleryNotFound):
        await store.get_gallery(gallery.gallery_id)


async def test_a_closed_store_refuses(qdrant: Address) -> None:
    store = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.check()


async def test_two_stores_on_one_server_see_each_others_writes(
    store: QdrantStore, qdrant: Address, gallery: Gallery
) -> None:
    second = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    await asyncio.gather(
        *(each.put(gallery.gallery_id, [make_template("ann", seed)]) for seed in range(20) for each in (store, second))
    )
    assert len(await second.list_templates(gallery.gallery_id, "ann")) == 20
    assert await store.delete_identity(gallery.gallery_id, "ann") == 20
    assert await second.list_templates(gallery.gallery_id, "ann") == []
    await second.close()
