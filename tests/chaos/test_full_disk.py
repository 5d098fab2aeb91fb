"""A disk that is full: told, never a false OK, nothing lost, and it goes on by itself when there is room again.

A limit on the size of files works everywhere; a file system of a few megabytes, where a user may mount one, is the
real thing, in which writes to mapped files fail, too.
"""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from gallery.errors import AuditUnavailable, StoreUnavailable
from tests.chaos.processes import Served, served
from tests.chaos.truth import GALLERY, Truth, pngs
from tests.chaos.workers import prepared
from tests.stores.test_edge_crash import engines_of

Full: TypeAlias = Callable[[Served], AbstractContextManager[None]]

_ROOM = 96 * 2**20


@contextmanager
def no_file_may_grow(server: Served) -> Iterator[None]:
    """Limit the size of files of the server, its engine and whatever engine comes after that."""

    def limit(size: int) -> None:
        for process in (server.process.pid, *engines_of(server.process.pid, server.store)):
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    limit(1)
    try:
        yield
    finally:
        limit(resource.RLIM_INFINITY)


@contextmanager
def no_block_is_free(server: Served) -> Iterator[None]:
    """Fill the server's own file system up."""
    filler = Path(f"/proc/{server.process.pid}/root{server.store.parent}/filler")
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
        yield
    filler.unlink()


def enrol(server: Served, truth: Truth, people: int) -> int:
    """Enrol so many people; returns how many of them were acknowledged."""
    return sum(_enrol_one(server, truth) for _ in range(people))


def _enrol_one(server: Served, truth: Truth) -> bool:
    picture = truth.picture()
    truth.under_way([picture], f"person-{picture}")
    try:
        server.client.enroll(GALLERY, f"person-{picture}", pngs([picture]))
    except (StoreUnavailable, AuditUnavailable):
        return False
    truth.acknowledged([picture], f"person-{picture}")
    return True


def live_through(server: Served, full: Full) -> None:
    truth = Truth()
    prepared(server.client, truth)
    assert enrol(server, truth, 20) == 20
    with full(server):
        assert enrol(server, truth, 5) < 5
    assert enrol(server, truth, 5) > 0, "it does not go on by itself"
    assert enrol(server, truth, 20) == 20
    truth.hold_against(server.client, server.audit)


def test_when_no_file_may_grow(tmp_path: Path, model_file: Path) -> None:
    with served(tmp_path, model_file) as server:
        live_through(server, no_file_may_grow)


def test_when_no_block_is_free(tmp_path: Path, model_file: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    own = ["unshare", "-Urm", "sh", "-c", f'mount -t tmpfs -o size={_ROOM} tmpfs "$0" && exec "$@"', str(disk)]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a file system; the test before covers what a limit can")
    with served(disk, model_file, within=own) as server:
        live_through(server, no_block_is_free)
        assert server.terminate() == 0
