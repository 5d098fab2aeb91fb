"""compose.cluster.yaml without containers: the same programs with the same configuration, as processes on loopback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from tests.cut_network import Network
from tests.qdrant_cluster import Cluster, running_cluster
from tests.qdrant_server import free_ports, is_open

DOCKER = Path(__file__).parent.parent / "docker"
_TIMEOUT = 60.0


class Process:
    """A program that listens on a port, with its log in ``folder``."""

    def __init__(self, command: list[str], port: int, folder: Path, settings: Mapping[str, str]) -> None:
        self._command, self._folder, self._settings = command, folder, dict(settings)
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until its port is open."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=os.environ | self._settings, stdout=log, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + _TIMEOUT
        while not is_open(self.port):
            assert self._process.poll() is None and time.monotonic() < end, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill it with -9."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


@dataclass(frozen=True)
class PlainCluster:
    """What compose.cluster.yaml starts; ``address`` is the proxy's port for clients."""

    address: str
    qdrant: Cluster
    galleries: tuple[Process, ...]


@contextmanager
def running_plain_cluster(folder: Path, model: Path, network: Network | None = None) -> Iterator[PlainCluster]:
    """Start three Qdrant nodes, two galleries and the proxy as compose.cluster.yaml says."""
    compose = yaml.safe_load((DOCKER / "compose.cluster.yaml").read_text())
    published, *gallery_ports = free_ports(3)
    with ExitStack() as stack:
        qdrant = stack.enter_context(running_cluster(folder / "qdrant", network))
        places = {
            f"qdrant-{number}:6333": node.url.removeprefix("http://") for number, node in enumerate(qdrant.addresses, 1)
        }
        places |= {f"gallery-{number}:50051": f"127.0.0.1:{port}" for number, port in enumerate(gallery_ports, 1)}
        stack.enter_context(_proxy(folder / "proxy", places, published))
        galleries = []
        for number, port in enumerate(gallery_ports, 1):
            settings = _on_loopback(compose["services"][f"gallery-{number}"]["environment"], places)
            settings |= {"GALLERY_LISTEN": f"127.0.0.1:{port}", "GALLERY_QDRANT_GRPC_PORT": str(qdrant.grpc_port)}
            command = [sys.executable, "-m", "gallery.cli", "serve", "--model", str(model)]
            gallery = Process(command, port, folder / f"gallery-{number}", settings)
            galleries.append(stack.enter_context(gallery))
        yield PlainCluster(f"127.0.0.1:{published}", qdrant, tuple(galleries))


def _proxy(folder: Path, places: Mapping[str, str], port: int) -> Process:
    """Write the proxy's two files with loopback's ports in the places of the containers'."""
    folder.mkdir(parents=True)
    static = yaml.safe_load((DOCKER / "proxy" / "traefik.yaml").read_text())
    static["entryPoints"]["gallery"]["address"] = f"127.0.0.1:{port}"
    static["providers"]["file"]["filename"] = str(folder / "cluster.yaml")
    (folder / "traefik.yaml").write_text(yaml.safe_dump(static))
    dynamic = yaml.safe_load((DOCKER / "proxy" / "cluster.yaml").read_text())
    (folder / "cluster.yaml").write_text(yaml.safe_dump(_on_loopback(dynamic, places)))
    program = Path(sys.executable).with_name("traefik")
    return Process([str(program), f"--configFile={folder / 'traefik.yaml'}"], port, folder, {})


def _on_loopback(value: Any, places: Mapping[str, str]) -> Any:
    """Put its host and port on loopback wherever a container is named."""
    match value:
        case dict():
            return {name: _on_loopback(one, places) for name, one in value.items()}
        case list():
            return [_on_loopback(one, places) for one in value]
        case str():
            for container, place in places.items():
                value = value.replace(container, place)
    return value
