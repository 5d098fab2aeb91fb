"""The server under test, as a process of its own on a folder that outlives it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gallery import GalleryClient

_TIMEOUT = 60.0


@dataclass(frozen=True)
class Served:
    """A running server, a client of it, and where its store, its audit log and its own log are."""

    process: "subprocess.Popen[str]"
    log: Path
    client: GalleryClient
    store: Path
    audit: Path

    def kill(self, *, alone: bool = False) -> None:
        """End it as a crash would, with its engine's process or ``alone``."""
        _kill(self.process, alone=alone)

    def terminate(self) -> int:
        """Ask it to end, wait, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_TIMEOUT)


@contextmanager
def served(folder: Path, model: Path, *flags: str, within: Sequence[str] = ()) -> Iterator[Served]:
    """Serve from ``folder`` with a caretaker that never rests, and kill what is left of it at the end.

    Its log and its audit log are beside the folder.
    ``within`` are the words of a command that becomes the server.
    """
    store, audit, log = folder / "store", folder.with_suffix(".audit"), folder.with_suffix(".log")
    command = [*within, sys.executable, "-m", "tests.chaos.restless", "serve", "--listen", "127.0.0.1:0"]
    command += ["--store", str(store), "--model", str(model), "--audit", str(audit), "--workers", "1", *flags]
    with log.open("a") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True)
    watchdog = threading.Timer(_TIMEOUT, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving on "), log.read_text()[-2000:]
        watchdog.cancel()
        with GalleryClient(line.split()[2], timeout=_TIMEOUT) as client:
            yield Served(process, log, client, store, audit)
    finally:
        watchdog.cancel()
        _kill(process)
        if process.stdout is not None:
            process.stdout.close()


def _kill(process: "subprocess.Popen[str]", *, alone: bool = False) -> None:
    with suppress(ProcessLookupError):  # the group is gone when the engine is
        (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
    process.wait(_TIMEOUT)
