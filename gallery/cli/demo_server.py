"""A server of the demo's own: a process, started as anybody would start it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gallery.errors import ServerUnavailable

_SECONDS_TO_START = 60.0


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running ``gallery serve`` and the address it said."""

    process: "subprocess.Popen[str]"
    address: str


@contextmanager
def started(store: Path, model: Path | None, *flags: str) -> Iterator[ServerProcess]:
    """Start a server on a free port and wait until it says its address; stop it with SIGTERM at the end.

    Its log is the file beside ``store`` that ends in .log.
    """
    log = store.with_suffix(".log")
    command = [sys.executable, "-m", "gallery.cli", "serve", "--listen", "127.0.0.1:0", "--store", str(store)]
    command += [] if model is None else ["--model", str(model)]
    command += flags
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    try:
        watchdog = threading.Timer(_SECONDS_TO_START, process.kill)
        watchdog.start()
        line = process.stdout.readline() if process.stdout is not None else ""
        watchdog.cancel()
        if not line.startswith("serving on "):
            process.wait()
            raise ServerUnavailable(f"the demo's server did not start: {log.read_text().strip()[-2000:]}")
        yield ServerProcess(process, line.split()[2])
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def kill(server: ServerProcess) -> None:
    """End the server as a crash would."""
    server.process.kill()
    server.process.wait()
