"""The engine's process and the pipe to it: groups, cancelled callers, crowds, and what each side imports."""

import asyncio
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gallery.domain import EVERYTHING, Fusion, TemplateFilter
from gallery.edge_store import EdgeStore
from gallery.edge_store.catalogue import Catalogue
from gallery.edge_store.crowds import Crowd
from gallery.edge_store.frames import frame, take_messages
from gallery.edge_store.ledger import LedgerFile
from gallery.edge_store.messages import (
    Answer,
    Asked,
    DeleteIdentity,
    Find,
    ListTemplates,
    Nearest,
    NearestIdentities,
    Put,
)
from gallery.edge_store.process import work
from gallery.edge_store.search import Hit
from gallery.edge_store.shards import Shards
from gallery.errors import InvalidIdentifier, StoreUnavailable
from tests.stores.samples import NOON, make_gallery, make_template, unit

HEAVY = {"grpc", "cv2", "onnxruntime", "qdrant_client", "pydantic"}


class RecordingShards(Shards):
    """Shards that carry nothing out, write down what they are asked, and fail to flush the gallery 'full'."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._rewriting: set[str] = set()

    def put(self, request: Put) -> None:
        self.events.append(f"put {request.gallery_id}")

    def find(self, request: Find) -> list[tuple[str, Any]]:
        self.events.append("find")
        return []

    def list_templates(self, request: ListTemplates) -> list[tuple[str, Any]]:
        self.events.append("list")
        return []

    def delete_identity(self, request: DeleteIdentity) -> int:
        raise RuntimeError("the engine's own error")

    def nearest(self, request: Nearest) -> list[Hit]:
        self.events.append("nearest")
        return []

    def flush(self) -> dict[str, Exception]:
        self.events.append("flush")
        return {"full": OSError("no space left")}

    def drop(self, gallery_id: str) -> None:
        self.events.append(f"drop {gallery_id}")


def worked(*requests: Any) -> tuple[RecordingShards, dict[int, Answer]]:
    """Send requests in one go and end the pipe; returns what was done and answered."""
    shards, answers = RecordingShards(), dict[int, Answer]()
    reading, writing = os.pipe()

    def send(message: object) -> None:
        assert isinstance(message, Answer)
        shards.events.append(f"answer {message.number}")
        answers[message.number] = message

    os.write(writing, b"".join(frame(Asked(number, request)) for number, request in enumerate(requests)))
    os.close(writing)
    work(shards, LedgerFile(Path("nowhere")), reading, send)
    os.close(reading)
    return shards, answers


def test_writes_are_answered_together_after_one_flush_and_reads_at_once() -> None:
    put = Put("main", [], [], b"")
    shards, _ = worked(put, ListTemplates("main", "ann"), put, put)
    carried_out = ["put main", "list", "answer 1", "put main", "put main"]
    assert shards.events == [*carried_out, "flush", "answer 0", "answer 2", "answer 3"]


def test_what_is_called_known_is_on_disk_by_then() -> None:
    shards, _ = worked(Put("main", [], [], b""), Find("main", []))
    assert shards.events == ["put main", "find", "flush", "answer 0", "answer 1"]
    _, answers = worked(Put("full", [], [], b""), Find("full", []))
    assert isinstance(answers[1].error, StoreUnavailable)


def test_searches_go_before_writes_that_wait() -> None:
    put, nearest = Put("main", [], [], b""), Nearest("main", b"", 3, EVERYTHING)
    shards, _ = worked(put, put, nearest, nearest)
    searched = ["nearest", "answer 2", "nearest", "answer 3"]
    assert shards.events == [*searched, "put main", "put main", "flush", "answer 0", "answer 1"]


def test_writes_without_end_are_answered_in_groups() -> None:
    put = Put("main", [], [], bytes(3 << 20))
    reading, writing = os.pipe()
    requests = b"".join(frame(Asked(number, put)) for number in range(7))

    def write() -> None:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(requests)

    shards = RecordingShards()
    writer = threading.Thread(target=write)
    writer.start()
    work(shards, LedgerFile(Path("nowhere")), reading, lambda answer: None)
    writer.join()
    os.close(reading)
    first = shards.events.index("flush")
    assert shards.events.count("put main") == 7
    assert "put main" in shards.events[first:]


def test_a_failed_flush_is_told_to_the_writers_of_that_gallery_only() -> None:
    _, answers = worked(Put("full", [], [], b""), Put("main", [], [], b""))
    assert isinstance(answers[0].error, StoreUnavailable)
    assert "no space left" in str(answers[0].error)
    assert answers[1].error is None


def test_an_error_of_the_engine_is_an_answer_and_has_the_shard_opened_again() -> None:
    shards, answers = worked(DeleteIdentity("main", "ann"), Find("main", []))
    assert isinstance(answers[0].error, StoreUnavailable)
    assert "the engine's own error" in str(answers[0].error)
    assert shards.events[0] == "drop main"
    assert answers[1].value == []


def test_frames_are_taken_whole_however_they_arrive() -> None:
    messages = [Nearest("main", b"\0" * 64, 3, EVERYTHING), Find("main", ["a"]), Find("main", [])]
    stream, buffer, taken = b"".join(map(frame, messages)), bytearray(), []
    for byte in stream:
        buffer.append(byte)
        taken += take_messages(buffer)
    assert taken == messages
    assert not buffer


@pytest.mark.parametrize(
    "message",
    [
        Asked(3, Nearest("main", b"\0" * 64, 3, EVERYTHING)),
        Asked(1 << 40, NearestIdentities("Ω", b"", 10**12, Fusion.TOP_K, TemplateFilter(alive_at=NOON))),
        Asked(
            0,
            NearestIdentities(
                "main",
                b"1234",
                5,
                Fusion.MEAN,
                TemplateFilter(
                    ("door", "人"),
                    datetime.min.replace(tzinfo=UTC),
                    datetime.max.replace(tzinfo=UTC),
                    (("site", "main"),),
                    ("ann", ""),
                    UUID(int=(1 << 128) - 1),
                    NOON.astimezone(timezone(timedelta(hours=5, minutes=30))),
                ),
            ),
        ),
        Answer(7, [("ann", 0.1 + 0.2, (1 << 128) - 1), ("bob", 2.0, 0)]),
        Answer(7, [((1, "ann", -1.0), (2, "bob", 0.5)), ()]),
        Answer(7, []),
        Answer(7, 12),
        Answer(7, [make_template("ann", 1).info]),
        Answer(7, error=StoreUnavailable("silence", remedy="wait")),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_arrives_as_it_was_sent(message: Asked | Answer) -> None:
    (arrived,) = take_messages(bytearray(frame(message)))
    assert type(arrived) is type(message)
    assert repr(arrived) == repr(message) or arrived == message


def test_a_crowd_grows_at_once_and_shrinks_slowly() -> None:
    crowd = Crowd()
    assert crowd.hits(16, 5) == 96
    for _ in range(200):
        crowd.learn(16, 20)
    assert 20 <= crowd.hits(16, 5) <= 32
    crowd.learn(16, 160)
    assert crowd.hits(16, 5) >= 160
    crowd.learn(16, 20)
    assert crowd.hits(16, 5) >= 160


def test_a_catalogue_follows_every_change() -> None:
    catalogue = Catalogue(["b", "a", "b"])
    catalogue.add("c")
    catalogue.remove("a")
    catalogue.remove("b")
    assert catalogue.page("", 9, {}) == [("b", 1), ("c", 1)]
    catalogue.add("aa")
    catalogue.remove("c")
    assert catalogue.page("", 9, {}) == [("aa", 1), ("b", 1)]
    assert (catalogue.count("b"), catalogue.count("c")) == (1, 0)
    assert catalogue.page("aa", 1, {}) == [("b", 1)]
    assert catalogue.page("b", 9, {}) == []
    assert len(catalogue) == 2


def test_a_page_of_a_catalogue_is_full_although_some_do_not_count() -> None:
    catalogue = Catalogue(["a", "b", "b", "c", "d"])
    assert catalogue.page("", 2, {"a": 1, "b": 1}) == [("b", 1), ("c", 1)]


@pytest.mark.parametrize(
    ("module", "absent"),
    [("gallery.edge_store", {"qdrant_edge"}), ("gallery.edge_store.process", HEAVY)],
    ids=["the serving process", "the engine's process"],
)
def test_a_process_imports_only_what_it_needs(module: str, absent: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert not absent & set(imported.split())


async def test_cancelled_callers_disturb_nobody(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    templates = [make_template(f"person-{seed}", seed) for seed in range(300)]
    puts = [asyncio.create_task(store.put("main", [template])) for template in templates]
    await asyncio.sleep(0)
    for put in puts[::3]:
        put.cancel()
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[::3])
    listed = {each.identity_id for each in await store.list_identities("main", after="", limit=999)}
    assert {f"person-{seed}" for seed in range(300) if seed % 3} <= listed
    await store.close()


async def test_a_creation_whose_caller_left_is_known_all_the_same(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.check()
    creation = asyncio.create_task(store.create_gallery(make_gallery("main")))
    await asyncio.sleep(0)
    creation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creation
    await store.check()  # answered after the creation: requests are carried out in order
    assert await store.get_gallery("main") == make_gallery("main")
    await store.close()


async def test_a_caller_who_leaves_while_the_engine_starts_disturbs_nobody(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    first = asyncio.create_task(store.check())
    second = asyncio.create_task(store.check())
    await asyncio.sleep(0.01)
    first.cancel()
    await second
    assert first.cancelled()
    await store.close()


async def test_a_crowd_of_writers_is_served(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main"))
    templates = [make_template(f"person-{seed % 100}", seed) for seed in range(3000)]
    await asyncio.gather(*(store.put("main", [template]) for template in templates))
    listed = await store.list_identities("main", after="", limit=999)
    assert [each.template_count for each in listed] == [30] * 100
    assert len(await store.nearest("main", unit(1), limit=10**12)) == 3000
    await store.close()


async def test_a_store_is_the_same_after_it_was_closed_and_opened(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main", threshold=0.3))
    await store.put("main", [make_template("ann", seed) for seed in range(5)])
    await store.delete_identity("main", "ann")
    await store.put("main", [make_template("bob", 9)])
    await store.close()
    store = EdgeStore(tmp_path)
    assert await store.get_gallery("main") == make_gallery("main", threshold=0.3)
    assert await store.list_templates("main", "bob") == [make_template("bob", 9).info]
    assert await store.list_templates("main", "ann") == []
    await store.close()


async def test_a_closed_store_refuses(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    await store.check()
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.check()


async def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("not a folder")
    store = EdgeStore(path)
    with pytest.raises(StoreUnavailable, match=str(path)):
        await store.check()
    path.unlink()
    await store.check()
    await store.close()


async def test_an_engine_that_cannot_be_started_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EdgeStore(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(tmp_path / "no-python"))
        with pytest.raises(StoreUnavailable, match="no-python"):
            await store.check()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/bin/false")
        with pytest.raises(StoreUnavailable, match="exit code 1"):
            await store.check()
    await store.check()
    await store.close()


async def test_a_gallerys_name_never_leaves_the_store(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path / "store")
    with pytest.raises(InvalidIdentifier):
        await store.create_gallery(make_gallery("../outside"))
    await store.check()
    await store.close()
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "store" / "outside").exists()


async def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path / "store")
    await store.create_gallery(make_gallery("main"))
    await store.close()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "store").rglob("*"))
