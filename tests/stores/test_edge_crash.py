"""An acknowledged write is kept: the embedded store under kill -9, torn files and a second owner."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gallery.domain import Move
from gallery.edge_store import EdgeStore
from gallery.edge_store.folders import GalleryFolders
from gallery.errors import StoreCorrupt, StoreUnavailable
from gallery.records import payload_of
from tests.stores.doomed import whole
from tests.stores.samples import make_gallery, make_template, unit

FOREIGN_WRITER = """
import sys
from qdrant_edge import EdgeShard, Point, UpdateOperation
shard = EdgeShard.load(sys.argv[1])
shard.update(UpdateOperation.upsert_points([Point(id=7, vector=[1.0] * 16, payload={"who": "knows"})]))
shard.flush()
shard.close()
"""


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[EdgeStore]:
    """An open store with the empty gallery 'main'."""
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    yield store
    await store.close()


def engines_of(parent: int, folder: Path) -> list[int]:
    """The ids of the running engine processes that ``parent`` has started for the store ``folder``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (entry / "stat").read_text().rpartition(")")[2].split()
            if (
                int(status[1]) == parent
                and status[0] != "Z"
                and b"edge_store.process" in (arguments := (entry / "cmdline").read_bytes())
                and str(folder).encode() in arguments.split(b"\0")
            ):
                found.append(int(entry.name))
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill_and_wait(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    while is_running(process):
        time.sleep(0.01)


def write_a_foreign_point(shard: Path) -> None:
    """Write into a shard behind the store's back, in a process of its own, as the engine wants it."""
    subprocess.run([sys.executable, "-c", FOREIGN_WRITER, str(shard)], check=True)


@contextlib.contextmanager
def doomed(folder: Path, work: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the doomed program in a process group of its own."""
    command = [sys.executable, "-m", "tests.stores.doomed", str(folder), work]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def acknowledged(process: "subprocess.Popen[str]", count: int) -> int:
    """Read acknowledgements until number ``count``."""
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == count:
            return count
    raise AssertionError("the program ended by itself")


@pytest.mark.parametrize("count", [0, 1, 17])
async def test_what_was_acknowledged_survives_kill_9_of_everything(tmp_path: Path, count: int) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.close()
    with doomed(tmp_path, "enrol") as process:
        last = acknowledged(process, count)
        os.killpg(process.pid, signal.SIGKILL)
    store = EdgeStore(tmp_path)
    listed = {each.identity_id for each in await store.list_identities("main", after="", limit=10_000)}
    await store.close()
    assert {f"person-{number}" for number in range(last + 1)} <= listed
    assert listed <= {f"person-{number}" for number in range(last + 50)}


async def test_an_erased_identity_stays_erased_after_kill_9(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.put("main", [make_template(f"person-{number}", number) for number in range(500)])
    await store.close()
    with doomed(tmp_path, "erase") as process:
        last = acknowledged(process, 11)
        os.killpg(process.pid, signal.SIGKILL)
    store = EdgeStore(tmp_path)
    listed = {each.identity_id for each in await store.list_identities("main", after="", limit=10_000)}
    nearest = {each.identity_id for each in await store.nearest("main", unit(3), limit=10_000)}
    await store.close()
    erased = {f"person-{number}" for number in range(last + 1)}
    assert not erased & (listed | nearest)
    assert "person-499" in listed


@pytest.mark.parametrize("count", [0, 2, 5, 9])
async def test_templates_that_were_moved_are_under_one_identity_after_kill_9(tmp_path: Path, count: int) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.put("main", whole(0))
    await store.close()
    with doomed(tmp_path, "merge") as process:
        last = acknowledged(process, count)
        os.killpg(process.pid, signal.SIGKILL)
    store = EdgeStore(tmp_path)
    (only,) = await store.list_identities("main", after="", limit=9)
    assert only.template_count == 50
    assert int(only.identity_id.removeprefix("person-")) >= last + 1
    await store.close()


async def test_a_move_that_was_begun_is_done_before_anything_else(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.put("main", whole(0))
    await store.close()
    moved = [make_template("person-1", seed, move=Move(uuid.uuid4(), "person-0")) for seed in range(50)]
    note = {
        "ids": [str(each.info.template_id) for each in moved],
        "payloads": [payload_of(each.info) for each in moved],
        "vectors": [each.embedding.tolist() for each in moved],
        "remove": [str(each.info.template_id) for each in whole(0)],
    }
    folders = GalleryFolders(tmp_path)
    folders.begin_move("main", note)
    store = EdgeStore(tmp_path)
    assert await store.list_templates("main", "person-0") == []
    assert await store.list_templates("main", "person-1") == [each.info for each in moved]
    assert folders.pending_move("main") is None
    (scanned,) = await store.scan("main", after=None, limit=1)
    (expected,) = (each for each in moved if each.info == scanned.info)
    assert scanned.embedding == pytest.approx(expected.embedding, abs=1e-6)
    await store.close()


@pytest.mark.parametrize("content", ["", "[]", '{"ids": []}'])
async def test_a_torn_note_of_a_move_is_said(tmp_path: Path, content: str) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.close()
    path = tmp_path / "galleries" / "main" / "move.json"
    path.write_text(content)
    store = EdgeStore(tmp_path)
    with pytest.raises(StoreCorrupt, match=str(path)):
        await store.nearest("main", unit(1), limit=1)
    await store.close()


async def test_a_gallerys_new_threshold_outlives_the_store(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    old, new = make_gallery("main"), make_gallery("main", threshold=0.25)
    await store.create_gallery(old)
    await store.update_gallery(new, replacing=old)
    kill_and_wait(engines_of(os.getpid(), tmp_path)[0])
    with contextlib.suppress(StoreUnavailable):
        await store.check()
    assert await store.get_gallery("main") == new
    await store.close()


async def test_galleries_are_whole_or_absent_after_kill_9(tmp_path: Path) -> None:
    with doomed(tmp_path, "replace") as process:
        last = acknowledged(process, 3)
        os.killpg(process.pid, signal.SIGKILL)
    store = EdgeStore(tmp_path)
    galleries = [each.gallery_id for each in await store.list_galleries(after="", limit=99)]
    for gallery_id in galleries:
        assert await store.nearest(gallery_id, unit(1), limit=1) == []
    await store.close()
    assert set(galleries) & {f"fresh-{last}", f"fresh-{last + 1}", f"fresh-{last + 2}"}
    assert "fresh-0" not in galleries
    assert sorted(each.name for each in (tmp_path / "galleries").iterdir()) == sorted(galleries)


async def test_the_engine_goes_with_its_parent_and_leaves_the_store_free(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.close()
    with doomed(tmp_path, "enrol") as process:
        acknowledged(process, 5)
        (engine,) = engines_of(process.pid, tmp_path)
        process.kill()
        process.wait()
        await store_with_five_people(tmp_path)
        assert not is_running(engine)


async def store_with_five_people(folder: Path) -> None:
    """Open the store at once, while its last owner's engine may still be going."""
    store = EdgeStore(folder)
    assert len(await store.list_identities("main", after="", limit=99)) >= 5
    await store.close()


async def test_the_store_goes_on_after_kill_9_of_its_engine(edge: EdgeStore, tmp_path: Path) -> None:
    await edge.put("main", [make_template("ann", 1)])
    for _ in range(2):
        (engine,) = engines_of(os.getpid(), tmp_path)
        kill_and_wait(engine)
        with contextlib.suppress(StoreUnavailable):  # a call that was on its way may be told so
            await edge.check()
        assert [each.identity_id for each in await edge.nearest("main", unit(1), limit=9)] == ["ann"]


async def test_calls_under_way_are_told_when_the_engine_is_killed(edge: EdgeStore, tmp_path: Path) -> None:
    kept = [make_template(f"kept-{seed}", seed) for seed in range(50)]
    await asyncio.gather(*(edge.put("main", [template]) for template in kept))
    (engine,) = engines_of(os.getpid(), tmp_path)
    os.kill(engine, signal.SIGSTOP)
    lost = [edge.put("main", [make_template(f"lost-{seed}", seed)]) for seed in range(50)]
    calls = asyncio.gather(*lost, edge.nearest("main", unit(1), limit=1), return_exceptions=True)
    await asyncio.sleep(0.1)  # they are sent; a stopped engine answers none
    os.kill(engine, signal.SIGKILL)
    for outcome in await calls:
        assert isinstance(outcome, StoreUnavailable)
        assert "not known" in str(outcome)
    listed = await edge.list_identities("main", after="kept", limit=50)
    assert {each.identity_id for each in listed} == {template.info.identity_id for template in kept}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_to_the_whole_group_leaves_stopping_to_the_parent(
    edge: EdgeStore, tmp_path: Path, number: int
) -> None:
    engines = engines_of(os.getpid(), tmp_path)
    os.kill(engines[0], number)
    await edge.put("main", [make_template("ann", 1)])
    assert engines_of(os.getpid(), tmp_path) == engines


@pytest.mark.parametrize("content", ["", '{"gallery_id": "torn"', "[]"])
async def test_a_torn_record_is_said_and_the_other_galleries_work(tmp_path: Path, content: str) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.create_gallery(make_gallery("torn"))
    await store.close()
    path = tmp_path / "galleries" / "torn" / "gallery.json"
    path.write_text(content)
    store = EdgeStore(tmp_path)
    for call in (
        store.get_gallery("torn"),
        store.list_galleries(after="", limit=9),
        store.delete_identity("torn", "a"),
    ):
        with pytest.raises(StoreCorrupt, match=str(path)):
            await call
    assert await store.get_gallery("main") == make_gallery("main")
    await store.close()


@pytest.mark.parametrize("change", [{"dimension": 8}, {"gallery_id": "main-2"}, {"dimension": "16"}, {"note": "hello"}])
async def test_a_record_that_does_not_fit_is_said(tmp_path: Path, change: dict[str, object]) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.close()
    path = tmp_path / "galleries" / "main" / "gallery.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    store = EdgeStore(tmp_path)
    with pytest.raises(StoreCorrupt, match=str(tmp_path)):
        await store.list_identities("main", after="", limit=9)
    await store.close()


async def test_a_lost_shard_is_said(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.close()
    shard = tmp_path / "galleries" / "main" / "shard"
    shard.rename(tmp_path / "elsewhere")
    store = EdgeStore(tmp_path)
    with pytest.raises(StoreCorrupt, match=str(shard)):
        await store.put("main", [make_template("ann", 1)])
    await store.close()


async def test_a_point_that_somebody_else_wrote_is_said(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    await store.close()
    write_a_foreign_point(tmp_path / "galleries" / "main" / "shard")
    store = EdgeStore(tmp_path)
    for call in (store.nearest("main", unit(1), limit=9), store.list_identities("main", after="", limit=9)):
        with pytest.raises(StoreCorrupt, match="main"):
            await call
    await store.close()


async def test_a_second_owner_is_refused_until_the_first_has_closed(edge: EdgeStore, tmp_path: Path) -> None:
    second = EdgeStore(tmp_path)
    with pytest.raises(StoreUnavailable, match=rf"in use by process {os.getpid()}\b.*--server"):
        await second.check()
    await edge.check()
    await edge.close()
    assert [each.gallery_id for each in await second.list_galleries(after="", limit=9)] == ["main"]
    await second.close()


async def test_what_a_crash_left_is_cleared_away(tmp_path: Path) -> None:
    for name in (".new-main", ".gone-main"):
        (tmp_path / "galleries" / name / "shard").mkdir(parents=True)
    store = EdgeStore(tmp_path)
    assert await store.list_galleries(after="", limit=9) == []
    assert list((tmp_path / "galleries").iterdir()) == []
    await store.create_gallery(make_gallery("main"))
    await store.close()
