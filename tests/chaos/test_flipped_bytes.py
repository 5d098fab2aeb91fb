"""A store whose disk has changed a bit: it is said, whichever file it is in, and never served."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gallery.edge_store import EdgeStore
from gallery.edge_store.folders import GalleryFolders
from gallery.edge_store.ledger import LedgerFile
from gallery.edge_store.messages import ListErasures
from gallery.errors import StoreCorrupt
from tests.chaos.scale import INPUTS
from tests.stores.samples import NOON, entry, make_gallery, make_template, unit

FLIPS = INPUTS // 20


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    """A store that was closed, with people of both templates and erasures."""
    store = EdgeStore(tmp_path)
    await store.create_gallery(make_gallery("main", threshold=0.25))
    await store.put("main", [make_template(f"person-{seed // 2}", seed) for seed in range(60)])
    await store.record_erasures([entry("main", NOON), entry("main", NOON)])
    await store.delete_identity("main", "person-0")
    await store.close()
    return tmp_path


@contextmanager
def flipped(path: Path, place: int, bit: int) -> Iterator[None]:
    """Flip one bit of a file, and flip it back."""

    def flip() -> None:
        with path.open("r+b") as file:
            file.seek(place)
            (byte,) = file.read(1)
            file.seek(place)
            file.write(bytes([byte ^ (1 << bit)]))

    flip()
    try:
        yield
    finally:
        flip()


def written_places(path: Path) -> list[int]:
    return [place for place, byte in enumerate(path.read_bytes()) if byte]


def look_through(store: Path) -> None:
    """Do what a server does before it serves this gallery; raises StoreCorrupt."""
    folders = GalleryFolders(store)
    folders.gallery("main")
    LedgerFile(store).list(ListErasures("main"))
    folders.check("main")


def test_a_flipped_bit_is_said_wherever_it_is(store: Path) -> None:
    look_through(store)
    files = sorted(path for path in store.rglob("*") if path.stat().st_size and path.is_file() and path.name != "lock")
    assert {path.name for path in files} >= {"gallery.json", "erasures.jsonl", "chunk_0.mmap", "page_0.dat", "open-1"}
    places = {path: written_places(path) for path in files}
    dice = random.Random(5)
    for number in range(FLIPS):
        path = files[number % len(files)]
        somewhere = dice.randrange(path.stat().st_size)  # most of the engine's bytes are zeros that nothing stands in
        place = dice.choice(places[path]) if places[path] and number % 4 else somewhere
        with flipped(path, place, dice.randrange(8)), pytest.raises(StoreCorrupt, match=str(store)):
            look_through(store)
            raise AssertionError(f"byte {place} of {path} was not missed")
    look_through(store)


def of_the_points(store: Path) -> Path:
    return next(store.rglob("mutable_id_tracker.mappings"))


def of_the_vectors(store: Path) -> Path:
    return next(store.rglob("vectors/chunk_0.mmap"))


def of_the_log(store: Path) -> Path:
    return next(store.rglob("wal/open-1"))


@pytest.mark.parametrize("file", [of_the_points, of_the_vectors, of_the_log])
async def test_a_damaged_gallery_is_refused_and_another_one_served(store: Path, file: Callable[[Path], Path]) -> None:
    path = file(store / "galleries" / "main")
    engine = EdgeStore(store)
    await engine.create_gallery(make_gallery("other"))
    with flipped(path, written_places(path)[-1], 3):
        for _ in range(2):
            with pytest.raises(StoreCorrupt, match=path.name):
                await engine.nearest("main", unit(3), limit=1)
        assert await engine.nearest("other", unit(3), limit=1) == []
        await engine.close()
    engine = EdgeStore(store)
    assert len(await engine.scan("main", after=None, limit=99)) == 58
    await engine.close()


async def test_a_store_that_was_not_closed_is_opened_without_a_seal(store: Path) -> None:
    seal = store / "galleries" / "main" / "shard.seal"
    engine = EdgeStore(store)
    assert seal.exists()
    assert len(await engine.nearest("main", unit(3), limit=99)) == 58
    assert not seal.exists()
    await engine.close()
    assert seal.exists()
