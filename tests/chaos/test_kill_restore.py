"""kill -9 of `gallery restore` at moments drawn from seeds: the gallery is the old one whole, or the new one whole."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gallery.domain import Gallery, LedgerEntry, Template
from gallery.edge_store import EdgeStore
from gallery.ledger import erasure_of_identity, new_key
from gallery.model_card import digest_of
from tests.chaos.scale import SEEDS
from tests.stores.samples import NOON, make_gallery, make_template
from tests.tiny_model import tiny_onnx

DIGEST = digest_of(tiny_onnx())
OLD, NEW = range(0, 200), range(100, 3100)
ERASED = "person-100"


def templates(seeds: range) -> list[Template]:
    return [make_template(f"person-{seed}", seed, model_digest=DIGEST) for seed in seeds]


def erasure() -> LedgerEntry:
    leaving = [each.info.template_id for each in templates(range(100, 101))]
    return erasure_of_identity("main", new_key(), NOON, ERASED, leaving)


async def fill(folder: Path, gallery: Gallery, seeds: range) -> None:
    store = EdgeStore(folder)
    await store.create_gallery(gallery)
    await store.put("main", templates(seeds))
    await store.close()


async def found_in(folder: Path) -> tuple[Gallery, set[str]]:
    store = EdgeStore(folder)
    (gallery,) = await store.list_galleries(after="", limit=9)
    people = {each.info.identity_id for each in await store.scan("main", after=None, limit=10**6)}
    listed = {each.identity_id for each in await store.list_identities("main", after="", limit=10**6)}
    await store.close()
    assert people == listed
    return gallery, people


def gallery_program(*words: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "gallery.cli", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


@pytest.fixture(scope="module")
def galleries() -> tuple[Gallery, Gallery]:
    """The gallery there is and the one in the backup."""
    old = replace(make_gallery("main", threshold=0.2), model_digest=DIGEST)
    return old, replace(make_gallery("main", threshold=0.3), model_digest=DIGEST)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, galleries: tuple[Gallery, Gallery]) -> Path:
    """A store with the old gallery, in which somebody of the backup has been erased since."""
    folder = tmp_path_factory.mktemp("old") / "store"

    async def work() -> None:
        await fill(folder, galleries[0], OLD)
        store = EdgeStore(folder)
        await store.record_erasures([erasure()])
        await store.delete_identity("main", ERASED)
        await store.close()

    asyncio.run(work())
    return folder


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory, galleries: tuple[Gallery, Gallery]) -> Path:
    folder = tmp_path_factory.mktemp("new")
    asyncio.run(fill(folder / "store", galleries[1], NEW))
    with gallery_program("backup", "main", "--from", f"store:{folder / 'store'}", "-o", folder / "file") as process:
        assert process.wait() == 0
    return folder / "file"


def test_a_restore_that_is_killed_leaves_the_old_gallery_or_the_new_one(
    store: Path, backup: Path, galleries: tuple[Gallery, Gallery], tmp_path: Path, model_file: Path
) -> None:
    names = [{f"person-{seed}" for seed in seeds} - {ERASED} for seeds in (OLD, NEW)]
    whole = list(zip(galleries, names, strict=True))
    for seed in range(SEEDS // 5):
        dice, target = random.Random(seed), tmp_path / str(seed)
        subprocess.run(["cp", "-a", "--sparse=always", store, target], check=True)
        words = ("restore", backup, "--to", f"store:{target}", "--replace", "--model", model_file)
        with gallery_program(*words) as process:
            while process.poll() is None and not list((target / "galleries").glob("*~main*")):
                time.sleep(0.005)
            time.sleep(dice.random() * 0.5)
            os.killpg(process.pid, signal.SIGKILL)
        assert asyncio.run(found_in(target)) in whole
        if seed % 5 == 0:
            with gallery_program(*words) as process:
                assert process.wait() == 0
            assert asyncio.run(found_in(target)) == whole[1]
