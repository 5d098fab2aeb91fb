"""Erased means gone from the disk: the embedded store's files after compaction, and kill -9 in the middle of it."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from gallery.edge_store import EdgeStore
from gallery.edge_store.folders import GalleryFolders
from gallery.errors import StoreCorrupt, StoreUnavailable
from tests.stores.samples import NOON, entry, make_gallery, make_template
from tests.stores.test_edge_crash import acknowledged, doomed, engines_of, kill_and_wait


def found_in(folder: Path, needle: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


async def filled(folder: Path, people: int = 300) -> EdgeStore:
    store = EdgeStore(folder)
    await store.create_gallery(make_gallery("main"))
    await store.put("main", [make_template(f"person-{seed:06}", seed) for seed in range(people)])
    return store


async def test_an_erased_embedding_and_name_are_in_no_file_after_compaction(tmp_path: Path) -> None:
    store = await filled(tmp_path)
    template = (await store.scan("main", after=None, limit=1))[0]
    name, vector = template.info.identity_id.encode(), template.embedding.tobytes()
    assert found_in(tmp_path, vector)
    assert await store.delete_identity("main", template.info.identity_id) == 1
    assert found_in(tmp_path, vector), "then there would be no need to compact"
    await store.compact("main")
    assert not found_in(tmp_path, vector)
    assert not found_in(tmp_path, name)
    assert len(await store.list_identities("main", after="", limit=999)) == 299
    await store.close()
    assert not found_in(tmp_path, vector)
    assert not found_in(tmp_path, name)


async def test_what_happens_during_a_compaction_is_kept(tmp_path: Path) -> None:
    store = await filled(tmp_path, people=2000)
    await store.delete_identity("main", "person-000000")
    compaction = asyncio.create_task(store.compact("main"))
    for seed in range(1, 40):
        await store.put("main", [make_template(f"late-{seed}", 5000 + seed)])
        await store.delete_identity("main", f"person-{seed:06}")
    await compaction
    await store.compact("main")
    names = {each.identity_id for each in await store.list_identities("main", after="", limit=9999)}
    assert names == {f"person-{seed:06}" for seed in range(40, 2000)} | {f"late-{seed}" for seed in range(1, 40)}
    await store.close()
    for seed in range(40):
        assert not found_in(tmp_path, f"person-{seed:06}".encode())


@pytest.mark.parametrize("count", [0, 3, 8])
async def test_kill_9_during_compaction_loses_nothing_and_brings_nothing_back(tmp_path: Path, count: int) -> None:
    await (await filled(tmp_path, people=1000)).close()
    with doomed(tmp_path, "compact") as process:
        last = acknowledged(process, count)
        os.killpg(process.pid, signal.SIGKILL)
    store = EdgeStore(tmp_path)
    names = {each.identity_id for each in await store.list_identities("main", after="", limit=9999)}
    assert {f"person-{seed:06}" for seed in range(last + 3, 1000)} <= names
    assert not {f"person-{seed:06}" for seed in range(last + 1)} & names
    await store.compact("main")
    await store.close()
    assert not found_in(tmp_path, b"person-000000")


async def test_an_erasure_before_a_crash_is_compacted_after_it(tmp_path: Path) -> None:
    store = await filled(tmp_path)
    await store.delete_identity("main", "person-000007")
    kill_and_wait(engines_of(os.getpid(), tmp_path)[0])
    with contextlib.suppress(StoreUnavailable):
        await store.check()
    await store.compact("main")
    await store.close()
    assert not found_in(tmp_path, b"person-000007")


async def test_a_crash_between_the_two_renames_of_a_swap_is_finished(tmp_path: Path) -> None:
    store = await filled(tmp_path)
    await store.close()
    galleries = tmp_path / "galleries"
    (galleries / "main" / "shard").rename(galleries / "main" / "shard.ready")
    (galleries / "main" / "shard.new").mkdir()
    store = EdgeStore(tmp_path)
    await store.create_draft(make_gallery("other"))
    await store.close()
    (galleries / "~other").rename(galleries / ".ready-other")
    (galleries / "other").mkdir()
    GalleryFolders(tmp_path)
    assert sorted(each.name for each in galleries.iterdir()) == ["main", "other"]
    store = EdgeStore(tmp_path)
    assert len(await store.list_identities("main", after="", limit=999)) == 300
    assert [each.gallery_id for each in await store.list_galleries(after="", limit=9)] == ["main", "other"]
    await store.close()


async def test_a_torn_last_line_of_the_ledger_is_forgotten_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.record_erasures([entry("main", NOON)])
    ledger = tmp_path / "erasures.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + whole[:30])
    second = entry("main", NOON.replace(hour=13))
    await store.record_erasures([second])
    assert (await store.list_erasures("main"))[1:] == [second]
    damaged = bytearray(ledger.read_bytes())
    damaged[50] ^= 1
    ledger.write_bytes(damaged)
    with pytest.raises(StoreCorrupt, match="line 1"):
        await store.list_erasures("main")
    await store.close()
