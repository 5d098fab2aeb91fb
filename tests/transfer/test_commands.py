"""`gallery migrate`, `backup` and `restore` on the embedded store and a real Qdrant server, and kill -9 amid them."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gallery import GalleryClient
from gallery.cli import app
from gallery.domain import draft_of
from gallery.edge_store import EdgeStore
from gallery.qdrant_store import QdrantOptions, QdrantStore
from gallery.transfer import Backup
from tests.pictures import png_of
from tests.qdrant_server import Address
from tests.served import served, settings_for
from tests.stores.samples import make_gallery, make_template
from tests.tiny_model import tiny_card, tiny_onnx, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    onnx = tiny_onnx()
    return write_model(tmp_path / "tiny.onnx", onnx, tiny_card(onnx))


def place(address: Address) -> str:
    return f"qdrant:{address.url}?grpc={address.grpc_port}"


def fill(folder: Path, name: str, people: int = 400) -> None:
    async def work() -> None:
        store = EdgeStore(folder)
        await store.create_gallery(make_gallery(name, threshold=0.25))
        for start in range(0, people, 2000):
            seeds = range(start, min(start + 2000, people))
            await store.put(name, [make_template(f"person-{seed % 100}", seed) for seed in seeds])
        await store.close()

    asyncio.run(work())


def content(store: EdgeStore | QdrantStore, name: str) -> list[tuple[object, bytes]]:
    async def work() -> list[tuple[object, bytes]]:
        page = await store.scan(name, after=None, limit=10**6)
        await store.close()
        return [(each.info, each.embedding.tobytes()) for each in page]

    return asyncio.run(work())


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], prog_name="gallery")
    assert result.exit_code == 0, result.stdout + result.stderr
    return result.stdout


def test_a_gallery_goes_to_qdrant_and_back_and_through_a_file_unchanged(
    qdrant: Address, tmp_path: Path, model: Path
) -> None:
    first, second, third = tmp_path / "first", tmp_path / "second", tmp_path / "third"
    fill(first, "round-trip")
    there = run("migrate", "--from", f"store:{first}", "--to", place(qdrant), "round-trip")
    assert "400 templates, 400 of them written" in there
    assert "already" in run("migrate", "--from", f"store:{first}", "--to", place(qdrant), "--all")
    run("migrate", "--from", place(qdrant), "--to", f"store:{second}", "round-trip")
    run("migrate", "--from", place(qdrant), "--to", place(qdrant), "round-trip", "--replace")
    file = tmp_path / "round-trip.gallery"
    assert "is whole" in run("backup", "round-trip", "--from", place(qdrant), "-o", file)
    assert "is whole" in run("backup", "--verify", file)
    refused = CliRunner().invoke(app, ["restore", str(file), "--to", f"store:{third}", "--model", str(model)])
    assert refused.exit_code == 3
    assert "MODEL_MISMATCH" in refused.stderr
    run("migrate", "--from", f"file:{file}", "--to", f"store:{third}")
    expected = content(EdgeStore(first), "round-trip")
    assert len(expected) == 400
    assert content(EdgeStore(second), "round-trip") == expected
    assert content(EdgeStore(third), "round-trip") == expected
    assert content(QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port), "round-trip") == expected


def test_a_running_server_is_backed_up_while_it_is_used(tmp_path: Path, model_file: Path) -> None:
    with served(settings_for(tmp_path, model_file)) as address, GalleryClient(address, timeout=60.0) as client:
        client.create_gallery("busy", threshold=0.3)
        for person in range(3):
            client.enroll("busy", f"person-{person}", [png_of(person)])
        client.delete_identity("busy", "person-2")
        file = tmp_path / "busy.gallery"
        assert "2 templates" in run("backup", "busy", "--from", f"server:{address}", "-o", file)
        run("restore", file, "--to", f"store:{tmp_path / 'other'}", "--model", model_file)
        expected = [(each.info, each.embedding.tobytes()) for each in client.export_page("busy").templates]
        record = client.get_gallery("busy")
    store = EdgeStore(tmp_path / "other")
    assert content(store, "busy") == expected
    summary = Backup(file).verified()
    assert (summary.gallery, summary.template_count) == (record, 2)


def test_an_int8_copy_on_qdrant_finds_the_same(
    qdrant: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "store", "small-memory")
    monkeypatch.setenv("GALLERY_QDRANT_QUANTIZATION", "int8")
    run("migrate", "--from", f"store:{tmp_path / 'store'}", "--to", place(qdrant), "small-memory")
    options = QdrantOptions(int8=True)
    store = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port, options=options)
    assert content(store, "small-memory") == content(EdgeStore(tmp_path / "store"), "small-memory")


@contextlib.contextmanager
def started(*words: object) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "gallery.cli", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


async def wait_for_draft(store: QdrantStore, name: str, least: int) -> None:
    """Wait until the draft has some templates."""
    found = 0
    async with asyncio.timeout(60):
        while found < least:
            with contextlib.suppress(Exception):
                found = len(await store.scan(draft_of(name), after=None, limit=least))
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("work", ["migrate", "restore"])
def test_kill_9_amid_a_move_leaves_nothing_in_place_and_the_same_command_finishes_it(
    qdrant: Address, tmp_path: Path, work: str
) -> None:
    name, source = f"killed-{work}", tmp_path / "store"
    fill(source, name, people=20_000)
    words: tuple[object, ...] = ("migrate", "--from", f"store:{source}", "--to", place(qdrant), name)
    if work == "restore":
        run("backup", name, "--from", f"store:{source}", "-o", tmp_path / "file")
        words = ("migrate", "--from", f"file:{tmp_path / 'file'}", "--to", place(qdrant))

    async def kill_in_the_middle() -> tuple[int, list[str]]:
        store = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
        with started(*words) as process:
            await wait_for_draft(store, name, 200)
            os.killpg(process.pid, signal.SIGKILL)
        found = len(await store.scan(draft_of(name), after=None, limit=10**6))
        listed = [each.gallery_id for each in await store.list_galleries(after=name[:-1], limit=9)]
        await store.close()
        return found, listed

    found, listed = asyncio.run(kill_in_the_middle())
    assert 200 <= found < 20_000
    assert name not in listed
    said = run(*words)
    written = int(said.split(" of them written")[0].split()[-1])
    assert written <= 20_000 - found
    store = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
    assert content(store, name) == content(EdgeStore(source), name)


@pytest.mark.parametrize(
    "words",
    [
        ("migrate", "--from", "folder:a", "--to", "store:b", "--all"),
        ("migrate", "--from", "store:a", "--to", "store:b"),
        ("migrate", "--from", "store:a", "--to", "file:b", "--all"),
        ("migrate", "--from", "file:a", "--to", "file:b"),
        ("backup", "lobby"),
        ("backup", "--verify", "a", "-o", "b"),
        ("backup", "lobby", "--from", "store:nowhere", "-o", "b"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, list(words)).exit_code == 2
    assert list(tmp_path.iterdir()) == []
