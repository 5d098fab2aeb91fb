"""What every store does with drafts, the ledger of erasures and compaction."""

import uuid

import pytest

from gallery.domain import Gallery, LedgerEntry, draft_of
from gallery.errors import GalleryNotFound
from gallery.ports import TemplateStore
from tests.stores.samples import NOON, make_gallery, make_template, unit

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_draft_is_written_and_read_beside_its_gallery_and_not_listed(
    store: TemplateStore, gallery: Gallery, prefix: str
) -> None:
    await store.put(gallery.gallery_id, [make_template("ann", 1)])
    draft = draft_of(gallery.gallery_id)
    await store.create_draft(make_gallery(gallery.gallery_id, threshold=0.25))
    await store.put(draft, [make_template("bob", 2), make_template("eve", 3)])
    await store.move(draft, [], [make_template("eve", 3).info.template_id])
    assert [each.info.identity_id for each in await store.scan(draft, after=None, limit=9)] == ["bob"]
    assert [each.identity_id for each in await store.nearest(draft, unit(1), limit=9)] == ["bob"]
    assert len(await store.find(draft, [make_template("bob", 2).info.template_id])) == 1
    assert [each.info.identity_id for each in await store.scan(gallery.gallery_id, after=None, limit=9)] == ["ann"]
    listed = await store.list_galleries(after=prefix, limit=9)
    assert [each for each in listed if each.gallery_id.startswith(prefix)] == [gallery]
    await store.delete_gallery(draft)
    with pytest.raises(GalleryNotFound):
        await store.get_gallery(draft)
    assert await store.get_gallery(gallery.gallery_id) == gallery


async def test_a_draft_takes_the_place_of_its_gallery(store: TemplateStore, gallery: Gallery) -> None:
    gallery_id = gallery.gallery_id
    await store.put(gallery_id, [make_template("ann", 1)])
    changed = make_gallery(gallery_id, threshold=0.25)
    await store.create_draft(changed)
    await store.put(draft_of(gallery_id), [make_template("bob", 2)])
    await store.publish_draft(gallery_id)
    assert await store.get_gallery(gallery_id) == changed
    assert [each.identity_id for each in await store.list_identities(gallery_id, after="", limit=9)] == ["bob"]
    assert await store.count_identities(gallery_id) == 1
    with pytest.raises(GalleryNotFound):
        await store.publish_draft(gallery_id)
    await store.put(gallery_id, [make_template("eve", 3)])
    assert await store.delete_gallery(gallery_id) == 2


async def test_a_draft_becomes_a_gallery_where_there_was_none(store: TemplateStore, prefix: str) -> None:
    await store.create_draft(make_gallery(f"{prefix}-new"))
    with pytest.raises(GalleryNotFound):
        await store.get_gallery(f"{prefix}-new")
    await store.publish_draft(f"{prefix}-new")
    assert await store.delete_gallery(f"{prefix}-new") == 0


async def test_a_draft_begun_again_is_empty(store: TemplateStore, gallery: Gallery) -> None:
    draft = draft_of(gallery.gallery_id)
    for _ in range(2):
        await store.create_draft(gallery)
        assert await store.scan(draft, after=None, limit=9) == []
        await store.put(draft, [make_template("bob", 2)])
    await store.delete_gallery(draft)


async def test_the_ledger_keeps_its_entries_in_order_and_apart(store: TemplateStore, prefix: str) -> None:
    entries = [
        LedgerEntry(uuid.uuid4(), prefix, NOON, "ab" * 32, identity="c" * 64, templates=("d" * 64, "e" * 64)),
        LedgerEntry(uuid.uuid4(), prefix, NOON.replace(hour=13), "ab" * 32, moved=(("1", "2"), ("3", "4"))),
        LedgerEntry(uuid.uuid4(), prefix, NOON.replace(hour=14), "ab" * 32, whole_gallery=True),
    ]
    await store.record_erasures([LedgerEntry(uuid.uuid4(), f"{prefix}-other", NOON, "ab" * 32)])
    for entry in entries:
        await store.record_erasures([entry])
    await store.record_erasures(entries[:1])
    assert await store.list_erasures(prefix) == entries
    assert await store.list_erasures(f"{prefix}-nowhere") == []


async def test_compaction_keeps_what_was_not_deleted(store: TemplateStore, gallery: Gallery) -> None:
    gallery_id = gallery.gallery_id
    await store.put(gallery_id, [make_template(f"person-{seed % 7}", seed) for seed in range(500)])
    before = {each.info: each.embedding.tobytes() for each in await store.scan(gallery_id, after=None, limit=999)}
    await store.delete_identity(gallery_id, "person-3")
    await store.compact(gallery_id)
    await store.compact(gallery_id)
    after = {each.info: each.embedding.tobytes() for each in await store.scan(gallery_id, after=None, limit=999)}
    assert after == {info: row for info, row in before.items() if info.identity_id != "person-3"}
    await store.put(gallery_id, [make_template("person-3", 9999)])
    assert await store.count_identities(gallery_id) == 7
    with pytest.raises(GalleryNotFound):
        await store.compact(f"{gallery_id}-nowhere")
