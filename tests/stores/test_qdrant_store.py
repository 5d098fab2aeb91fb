"""What is the Qdrant store's own: other writers, servers that go and come back, and collections of others."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient, models

from gallery.domain import Gallery
from gallery.errors import GalleryChanged, GalleryNotFound, StoreCorrupt, StoreUnavailable
from gallery.qdrant_store import QdrantStore
from gallery.qdrant_store.census import Census
from gallery.records import record_of_gallery
from tests.qdrant_server import Address, free_ports
from tests.stores.samples import DIMENSION, make_gallery, make_template, unit


@pytest.fixture
async def store(qdrant: Address) -> AsyncIterator[QdrantStore]:
    opened = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    yield opened
    await opened.close()


@pytest.fixture
async def gallery(store: QdrantStore, prefix: str, beside: AsyncQdrantClient) -> AsyncIterator[Gallery]:
    created = make_gallery(f"{prefix}-main")
    await store.create_gallery(created)
    yield created
    await beside.delete_collection(f"gallery_{created.gallery_id}.0")


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


async def test_a_collection_of_others_is_no_gallery(store: QdrantStore, beside: AsyncQdrantClient, prefix: str) -> None:
    vectors = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    await beside.create_collection(f"gallery_{prefix}-foreign", vectors_config=vectors)
    await beside.create_collection(f"{prefix}-not-ours", vectors_config=vectors)
    with pytest.raises(StoreCorrupt, match=f"gallery_{prefix}-foreign"):
        await store.get_gallery(f"{prefix}-foreign")
    with pytest.raises(GalleryNotFound):
        await store.get_gallery(f"{prefix}-not-ours")
    await beside.delete_collection(f"gallery_{prefix}-foreign")
    await beside.delete_collection(f"{prefix}-not-ours")


@pytest.mark.parametrize(
    "payload",
    [None, {"who": "knows"}, {"identity_id": 7, "model_digest": "x", "image_digest": "y", "enrolled_at": "now"}],
    ids=["none", "another's", "wrong types"],
)
async def test_a_point_of_others_is_said(
    store: QdrantStore, beside: AsyncQdrantClient, gallery: Gallery, payload: dict[str, object] | None
) -> None:
    point_id = uuid.uuid4()
    point = models.PointStruct(id=str(point_id), vector=unit(1).tolist(), payload=payload)
    await beside.upsert(f"gallery_{gallery.gallery_id}", [point], wait=True)
    for call in (store.nearest(gallery.gallery_id, unit(1), limit=3), store.find(gallery.gallery_id, [point_id])):
        with pytest.raises(StoreCorrupt, match=str(point_id)):
            await call


async def test_an_index_that_its_creator_did_not_live_to_make_is_made(
    store: QdrantStore, beside: AsyncQdrantClient, gallery: Gallery
) -> None:
    collection = f"gallery_{gallery.gallery_id}"
    made = (await beside.get_collection(collection)).payload_schema.keys()
    assert {"identity_id", "camera_id", "captured_at", "labels", "expires_at"} < made
    await beside.delete_payload_index(collection, "expires_at", wait=True)
    assert await store.get_gallery(gallery.gallery_id) == gallery
    assert (await beside.get_collection(collection)).payload_schema.keys() == made


async def test_a_gallery_deleted_by_others_is_soon_unknown(
    store: QdrantStore, beside: AsyncQdrantClient, gallery: Gallery
) -> None:
    await store.get_gallery(gallery.gallery_id)
    await beside.delete_collection(f"gallery_{gallery.gallery_id}.0")
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


async def test_a_change_by_another_server_is_noticed(store: QdrantStore, qdrant: Address, gallery: Gallery) -> None:
    second = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    assert await second.get_gallery(gallery.gallery_id) == gallery
    changed = make_gallery(gallery.gallery_id, threshold=0.25)
    await store.update_gallery(changed, replacing=gallery)
    with pytest.raises(GalleryChanged, match=gallery.gallery_id):
        await second.update_gallery(make_gallery(gallery.gallery_id, threshold=0.5), replacing=gallery)
    assert await second.get_gallery(gallery.gallery_id) == changed
    await second.close()


async def test_a_change_that_another_overwrites_at_once_is_not_acknowledged(
    store: QdrantStore, beside: AsyncQdrantClient, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = AsyncQdrantClient.update_collection
    theirs = make_gallery(gallery.gallery_id, threshold=0.5)

    async def update_and_be_overwritten(self: AsyncQdrantClient, collection: str, **changes: Any) -> bool:
        await update(self, collection, **changes)
        return await update(beside, collection, metadata=record_of_gallery(theirs))

    monkeypatch.setattr(AsyncQdrantClient, "update_collection", update_and_be_overwritten)
    with pytest.raises(GalleryChanged, match=gallery.gallery_id):
        await store.update_gallery(make_gallery(gallery.gallery_id, threshold=0.25), replacing=gallery)
    assert await store.get_gallery(gallery.gallery_id) == theirs


async def test_identities_that_others_wrote_are_counted_after_a_while(
    store: QdrantStore, qdrant: Address, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    assert await store.count_identities(gallery.gallery_id) == 0
    await store.put(gallery.gallery_id, [make_template("ann", 1), make_template("bob", 1)])
    await second.put(gallery.gallery_id, [make_template("eve", 1)])
    assert await store.count_identities(gallery.gallery_id) == 2
    monkeypatch.setattr(Census, "good", False)
    assert await store.count_identities(gallery.gallery_id) == 3
    await second.delete_identity(gallery.gallery_id, "ann")
    assert await store.count_identities(gallery.gallery_id) == 2
    await second.close()


def test_a_census_that_took_long_is_good_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 100.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])
    quick, slow = Census(["ann"], 99.99), Census(["ann"], 99.0)
    for now, good in {100.9: (True, True), 101.1: (False, True), 119.9: (False, True), 120.1: (False, False)}.items():
        clock["now"] = now
        assert (quick.good, slow.good) == good
