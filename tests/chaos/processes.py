"""The server under test, as a process of its own on a folder that outlives it."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gallery import GalleryClient

_TIMEOUT = 60.0


@dataclass(frozen=True)
class Served:
    """A running server, a client of it, and where its store and its audit log are."""

    process: "subprocess.Popen[str]"
    address: str
    client: GalleryClient
    store: Path
    audit: Path

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(_TIMEOUT)

    def terminate(self) -> int:
        """Ask it to end, wait, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_TIMEOUT)


@contextmanager
def served(folder: Path, model: Path, *flags: str) -> Iterator[Served]:
    """Serve from ``folder`` with a caretaker that never rests, and kill what is left of it at the end."""
    store, audit, log = folder / "store", folder / "audit", folder / "log"
    command = [sys.executable, "-m", "tests.chaos.restless", "serve", "--listen", "127.0.0.1:0"]
    command += ["--store", str(store), "--model", str(model), "--audit", str(audit), "--workers", "1", *flags]
    with log.open("a") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    watchdog = threading.Timer(_TIMEOUT, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving on "), log.read_text()[-2000:]
        watchdog.cancel()
        address = line.split()[2]
        with GalleryClient(address, timeout=_TIMEOUT) as client:
            yield Served(process, address, client, store, audit)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait(_TIMEOUT)
        if process.stdout is not None:
            process.stdout.close()
