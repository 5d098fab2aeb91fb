"""Galleries moved between stores and files, with a store in memory: what is kept, refused, resumed and left out."""

import os
import resource
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from gallery.domain import Context, Gallery, Move, OnConflict, Region, Template, draft_of
from gallery.errors import (
    GalleryAlreadyExists,
    GalleryChanged,
    GalleryNotFound,
    InvalidBackup,
    InvalidParameter,
    ModelMismatch,
    StoreUnavailable,
)
from gallery.transfer import Backup, backup_chunks, migrate, restore, write_backup
from gallery.transfer.sources import StoreSource
from gallery.use_cases import GalleryUseCases
from tests.fakes import MemoryStore
from tests.stores.samples import MODEL, NOON, OTHER_MODEL, make_gallery, make_template

PEOPLE = 2300  # more than two pages


def silent(done: int) -> None: ...


def rich_gallery() -> Gallery:
    gallery = make_gallery("lobby", threshold=0.25)
    return replace(gallery, policy=replace(gallery.policy, on_conflict=OnConflict.REFUSE))


async def filled(count: int = PEOPLE) -> MemoryStore:
    """A store with a gallery in which there is something of everything."""
    store = MemoryStore()
    await store.create_gallery(rich_gallery())
    context = Context.of("door", NOON, {"coat": "red=ish"})
    odd = make_template("odd", 99_999, region=Region(1, 2, 30, 40), context=context, move=Move(uuid.uuid4(), "even"))
    await store.put("lobby", [*(make_template(f"person-{seed % 50}", seed) for seed in range(count)), odd])
    return store


async def content(store: MemoryStore, gallery_id: str = "lobby") -> list[tuple[object, bytes]]:
    page = await store.scan(gallery_id, after=None, limit=10**9)
    return [(each.info, each.embedding.tobytes()) for each in page]


async def saved(store: MemoryStore, path: Path) -> Path:
    async for _ in write_backup(backup_chunks(StoreSource(store, "lobby")), path):
        pass
    return path


def part_of(path: Path) -> Path:
    """The file under the name it has while it is written."""
    return path.with_name(f".{path.name}.part")


async def restored(path: Path, store: MemoryStore, *, replace: bool = False, model: str | None = MODEL) -> int:
    report = await restore(Backup(path), store, model_digest=model, replace=replace, progress=silent)
    return report.left_out


async def test_a_gallery_is_moved_with_all_that_belongs_to_it() -> None:
    source, target, told = await filled(), MemoryStore(), list[int]()
    report = await migrate(source, target, "lobby", replace=False, progress=told.append)
    assert await target.get_gallery("lobby") == rich_gallery()
    assert await content(target) == await content(source)
    assert (report.template_count, report.written, report.already_there) == (PEOPLE + 1, PEOPLE + 1, False)
    assert (report.equal_searches, report.spot_searches) == (16, 16)
    assert told == [1000, 2000, PEOPLE + 1]
    again = await migrate(source, target, "lobby", replace=False, progress=silent)
    assert (again.already_there, again.written, again.digest) == (True, 0, report.digest)


class Breaking(MemoryStore):
    """A target that goes away in the middle."""

    puts = 0

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None:
        self.puts += 1
        if self.puts == 2:
            raise StoreUnavailable("gone")
        await super().put(gallery_id, templates)


async def test_a_move_that_was_cut_short_is_gone_on_with_and_follows_the_source() -> None:
    source, target = await filled(), Breaking()
    with pytest.raises(StoreUnavailable):
        await migrate(source, target, "lobby", replace=False, progress=silent)
    assert await target.list_galleries(after="", limit=9) == []
    assert len(await content(target, draft_of("lobby"))) == 1000
    await source.delete_identity("lobby", "person-7")
    report = await migrate(source, target, "lobby", replace=False, progress=silent)
    assert 0 < report.written < PEOPLE - 900
    assert await content(target) == await content(source)


async def test_a_target_with_other_content_or_another_model_is_refused_unless_told() -> None:
    source, target = await filled(20), MemoryStore()
    await target.create_gallery(replace(rich_gallery(), model_digest=OTHER_MODEL))
    with pytest.raises(GalleryAlreadyExists, match=OTHER_MODEL[:12]):
        await migrate(source, target, "lobby", replace=False, progress=silent)
    await migrate(source, target, "lobby", replace=True, progress=silent)
    await target.delete_identity("lobby", "person-3")
    with pytest.raises(GalleryAlreadyExists, match="--replace"):
        await migrate(source, target, "lobby", replace=False, progress=silent)
    await migrate(source, target, "lobby", replace=True, progress=silent)
    assert await content(target) == await content(source)


class Restless(MemoryStore):
    """A source into which somebody enrols between any two looks."""

    seed = 500_000

    async def scan(self, gallery_id: str, *, after: UUID | None, limit: int, **more: object) -> list[Template]:
        Restless.seed += 1
        await self.put(gallery_id, [make_template("restless", Restless.seed)])
        return await super().scan(gallery_id, after=after, limit=limit)


async def test_a_source_that_does_not_come_to_rest_is_said_and_nothing_is_put_in_place() -> None:
    source, target = Restless(), MemoryStore()
    await source.create_gallery(rich_gallery())
    with pytest.raises(GalleryChanged, match="faster"):
        await migrate(source, target, "lobby", replace=False, progress=silent)
    assert await target.list_galleries(after="", limit=9) == []


async def test_a_backup_is_restored_as_it_was(tmp_path: Path) -> None:
    source, target = await filled(), MemoryStore()
    path = await saved(source, tmp_path / "lobby.gallery")
    assert path.stat().st_mode & 0o777 == 0o600
    assert not part_of(path).exists()
    summary = Backup(path).verified()
    assert (summary.gallery, summary.template_count) == (rich_gallery(), PEOPLE + 1)
    assert await restored(path, target) == 0
    assert await content(target) == await content(source)
    assert await target.get_gallery("lobby") == rich_gallery()


@pytest.mark.parametrize("place", ["", "nowhere/lobby.gallery"])
async def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left_there(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidParameter, match=r"folder.* cannot be written"):
        await saved(await filled(3), tmp_path / "folder" / place)
    assert [*os.walk(tmp_path)] == [(str(tmp_path), ["folder"], []), (str(tmp_path / "folder"), [], [])]


async def test_a_backup_that_does_not_fit_on_the_disk_is_said_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    store = await filled()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(InvalidParameter, match="room"):
            await saved(store, tmp_path / "lobby.gallery")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
async def test_a_torn_backup_is_refused_and_changes_nothing(tmp_path: Path, share: float) -> None:
    path, target = await saved(await filled(), tmp_path / "lobby.gallery"), await filled(3)
    before = await content(target)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InvalidBackup, match=r"torn|no backup"):
        await restored(path, target, replace=True)
    assert await content(target) == before


async def test_a_backup_without_its_last_block_or_with_one_twice_is_refused(tmp_path: Path) -> None:
    path = await saved(await filled(), tmp_path / "lobby.gallery")
    chunks = [chunk async for chunk, _ in backup_chunks(StoreSource(await filled(), "lobby"))]
    for wrong in (chunks[:-1], [*chunks[:2], *chunks[1:]], [chunks[0], *chunks[2:]], [*chunks, chunks[1]]):
        path.write_bytes(b"".join(wrong))
        with pytest.raises(InvalidBackup):
            Backup(path).verified()


@pytest.mark.parametrize("place", [3, 40, 200, 5000, -60_000, -40, -1])
async def test_an_altered_backup_is_refused_wherever_a_bit_was_flipped(tmp_path: Path, place: int) -> None:
    path, target = await saved(await filled(1200), tmp_path / "lobby.gallery"), MemoryStore()
    altered = bytearray(path.read_bytes())
    altered[place] ^= 1
    path.write_bytes(altered)
    with pytest.raises(InvalidBackup, match=str(path)):
        await restored(path, target)
    assert await target.list_galleries(after="", limit=9) == []


async def test_a_backup_of_another_model_is_refused_by_name(tmp_path: Path) -> None:
    path, target = await saved(await filled(3), tmp_path / "lobby.gallery"), MemoryStore()
    with pytest.raises(ModelMismatch, match=rf"a model \({MODEL[:12]}.*{OTHER_MODEL[:12]}"):
        await restored(path, target, model=OTHER_MODEL)
    await target.create_gallery(replace(rich_gallery(), model_digest=OTHER_MODEL))
    with pytest.raises(ModelMismatch):
        await restored(path, target, model=None, replace=True)


async def test_a_gallery_that_is_there_is_only_replaced_when_told(tmp_path: Path) -> None:
    store = await filled(3)
    path = await saved(store, tmp_path / "lobby.gallery")
    await store.put("lobby", [make_template("late", 7)])
    with pytest.raises(GalleryAlreadyExists, match="--replace"):
        await restored(path, store)
    await restored(path, store, replace=True)
    assert "late" not in [each.identity_id for each in await store.list_identities("lobby", after="", limit=99)]


def erasing(store: MemoryStore) -> GalleryUseCases:
    """The use cases that erase and merge; none of them embeds."""
    return GalleryUseCases(None, store)  # type: ignore[arg-type]


async def names(store: MemoryStore) -> set[str]:
    return {each.identity_id for each in await store.list_identities("lobby", after="", limit=999)}


async def test_who_was_erased_after_a_backup_stays_erased_and_who_came_back_before_it_stays(tmp_path: Path) -> None:
    store = await filled(100)
    gallery = erasing(store)
    await gallery.delete_identity("lobby", "person-1")
    await store.put("lobby", [make_template("person-1", 1)])  # enrolled again, before the backup
    path = await saved(store, tmp_path / "lobby.gallery")
    receipt = await gallery.delete_identity("lobby", "person-2")
    single = (await store.list_templates("lobby", "person-3"))[0].template_id
    await gallery.delete_template("lobby", single)
    await gallery.merge_identities("lobby", "person-5", "person-4")
    await gallery.delete_identity("lobby", "person-5")
    assert await restored(path, store, replace=True) == receipt.template_count + 1 + 4
    assert await names(store) == {f"person-{number}" for number in range(50)} - {"person-2", "person-4", "person-5"} | {
        "odd"
    }
    assert not await store.find("lobby", [single])
    assert receipt.receipt_id in [entry.entry_id for entry in await store.list_erasures("lobby")]


async def test_the_ledger_goes_with_a_gallery_to_another_store(tmp_path: Path) -> None:
    store, other = await filled(100), MemoryStore()
    path = await saved(store, tmp_path / "lobby.gallery")
    await erasing(store).delete_identity("lobby", "person-2")
    await migrate(store, other, "lobby", replace=False, progress=silent)
    assert await restored(path, other, replace=True) == 2
    newer = await saved(other, tmp_path / "newer.gallery")
    third = MemoryStore()
    await restored(newer, third)
    assert await restored(path, third, replace=True) == 2, "a backup brings the ledger it was made with"


async def test_an_erased_gallery_is_only_restored_when_told_and_without_who_was_erased_alone(tmp_path: Path) -> None:
    store = await filled(100)
    path = await saved(store, tmp_path / "lobby.gallery")
    await erasing(store).delete_identity("lobby", "person-2")
    await erasing(store).delete_gallery("lobby")
    with pytest.raises(InvalidBackup, match="erased after this backup"):
        await restored(path, store)
    assert await restored(path, store, replace=True) == 2


async def test_who_is_erased_while_a_backup_is_restored_is_not_in_it(tmp_path: Path) -> None:
    class Erasing(MemoryStore):
        done = True

        async def publish_draft(self, gallery_id: str) -> None:
            if not self.done:
                self.done = True
                await erasing(self).delete_identity("lobby", "person-2")
            await super().publish_draft(gallery_id)

    store = Erasing()
    path = await saved(await filled(100), tmp_path / "lobby.gallery")
    await restored(path, store)
    store.done = False
    with pytest.raises(GalleryChanged, match="erased"):
        await restored(path, store, replace=True)
    assert "person-2" not in await names(store)
    await restored(path, store, replace=True)
    assert "person-2" not in await names(store)


async def test_a_draft_that_was_left_over_goes_with_whoever_is_erased() -> None:
    source, target = await filled(100), await filled(100)
    await target.create_draft(rich_gallery())
    await target.put(draft_of("lobby"), [make_template("person-2", 2)])
    await erasing(target).delete_identity("lobby", "person-2")
    with pytest.raises(GalleryNotFound):
        await target.get_gallery(draft_of("lobby"))

    class EraseAmidst(MemoryStore):
        async def scan(self, gallery_id: str, *, after: UUID | None, limit: int, **more: object) -> list[Template]:
            await erasing(target).delete_identity("lobby", "person-3")
            return await super().scan(gallery_id, after=after, limit=limit)

    amidst = EraseAmidst()
    amidst.__dict__ = source.__dict__
    with pytest.raises(GalleryChanged, match="erased"):
        await migrate(amidst, target, "lobby", replace=True, progress=silent)
