"""`gallery enrol` while the server, or itself, is killed: all that was told is there, and nothing twice."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gallery import GalleryClient
from gallery.cli.exits import Exit
from tests.pictures import png_of
from tests.qdrant_server import free_ports

COUNT = 120


@pytest.fixture
def pictures(tmp_path: Path) -> list[dict[str, str]]:
    """A manifest's rows: a picture each of so many people."""
    rows = []
    for number in range(COUNT):
        path = tmp_path / f"{number}.png"
        path.write_bytes(png_of(number))
        rows.append({"path": str(path), "identity": f"person-{number}"})
    return rows


class Server:
    """A gallery server in a process of its own, at an address that stays."""

    def __init__(self, folder: Path, model: Path) -> None:
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        self._options = ["--listen", self.address, "--store", str(folder / "store"), "--model", str(model)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "gallery.cli", "serve", *self._options])

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def server(tmp_path: Path, model_file: Path) -> Iterator[Server]:
    server = Server(tmp_path, model_file)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def enrolling(server: Server, report: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `gallery enrol -` with the report."""
    wait_for(server)
    words = ["enrol", "-", "--server", server.address, "--report", str(report), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gallery.cli", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"GALLERY_NAME": "lobby"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def halfway(server: Server, report: Path, pictures: list[dict[str, str]]) -> Iterator["subprocess.Popen[bytes]"]:
    """A run that was given sixty pictures and has enrolled thirty of them at least."""
    with enrolling(server, report) as process:
        give(process, pictures[:60])
        wait_for_rows(report, 30)
        yield process


def wait_for(server: Server) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with GalleryClient(server.address, timeout=5) as client:
                client.list_galleries()
            return
        except Exception:
            assert time.monotonic() < end
            time.sleep(0.05)


def give(process: "subprocess.Popen[bytes]", rows: list[dict[str, str]]) -> None:
    assert process.stdin is not None
    process.stdin.write("".join(json.dumps(row) + "\n" for row in rows).encode())
    process.stdin.flush()


def wait_for_rows(report: Path, count: int) -> None:
    end = time.monotonic() + 60
    while not report.exists() or len(told(report)) < count:
        assert time.monotonic() < end
        time.sleep(0.02)


def told(report: Path) -> list[dict[str, Any]]:
    """The whole rows of the report."""
    lines = report.read_bytes().split(b"\n")[:-1]
    return [row for row in map(json.loads, lines) if row["event"] == "row"]


def enrolled(server: Server) -> dict[str, int]:
    with GalleryClient(server.address, timeout=30) as client:
        return {each.identity_id: each.template_count for each in client.iter_identities("lobby")}


EVERYBODY_ONCE = {f"person-{number}": 1 for number in range(COUNT)}


def test_a_server_that_is_killed_and_comes_back_has_every_picture_once(
    server: Server, pictures: list[dict[str, str]], tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    with halfway(server, report, pictures) as process:
        server.kill()
        before = {row["identity"] for row in told(report) if row["result"] == "created"}
        give(process, pictures[60:])
        server.start()
        stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == Exit.DONE, stderr
    summary = json.loads(stdout)
    assert summary["created"] + summary["unchanged"] == COUNT
    assert before <= set(enrolled(server))
    assert enrolled(server) == EVERYBODY_ONCE
    assert sorted(row["identity"] for row in told(report)) == sorted(EVERYBODY_ONCE)


def test_a_client_that_is_killed_goes_on_where_it_was(
    server: Server, pictures: list[dict[str, str]], tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    with halfway(server, report, pictures) as process:
        process.kill()
        process.wait()
    done = len(told(report))
    with enrolling(server, report) as again:
        stdout, stderr = again.communicate("".join(json.dumps(row) + "\n" for row in pictures).encode(), timeout=90)
    assert again.returncode == Exit.DONE, stderr
    summary = json.loads(stdout)
    assert summary["skipped"] >= done >= 30
    assert summary["skipped"] + summary["unchanged"] + summary["created"] == COUNT
    assert enrolled(server) == EVERYBODY_ONCE


def test_an_interrupted_enrolment_finishes_what_is_under_way_and_says_how_to_go_on(
    server: Server, pictures: list[dict[str, str]], tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    with halfway(server, report, pictures) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == Exit.INTERRUPTED
        assert process.stdout is not None and process.stderr is not None
        summary, said = json.loads(process.stdout.read()), process.stderr.read()
    assert b"same command" in said
    assert summary["created"] == len(told(report)) == len(enrolled(server)) >= 30
    assert json.loads(report.read_bytes().splitlines()[-1])["event"] == "end"
