"""Three real Qdrant servers that form a cluster on loopback, any of which can be killed, paused and brought back."""

import json
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cut_network import Network
from tests.qdrant_server import Address, ServerProcess, ServerUnavailable, binary, free_ports

NODES = 3
_TIMEOUT = 60.0
_NOTICED = 3.0  # seconds after which compose.cluster.yaml starts a node again, and galleries have seen it gone


@dataclass(frozen=True)
class Cluster:
    """The nodes, in the order they were started; the first was the one the others joined.

    ``peers`` is where each listens for the others.
    """

    nodes: tuple[ServerProcess, ...]
    peers: tuple[str, ...]

    @property
    def url(self) -> str:
        """The nodes' URLs as `QdrantStore` takes them; their gRPC port is the same."""
        return ",".join(address.url for address in self.addresses)

    @property
    def grpc_port(self) -> int:
        """The gRPC port of each node."""
        return self.addresses[0].grpc_port

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where the nodes listen."""
        return tuple(node.address for node in self.nodes)

    def pause(self, number: int) -> None:
        """Stop a node in the middle of whatever it does; to the others it is as if its network were cut."""
        self.nodes[number].signal(signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Let a paused node go on."""
        self.nodes[number].signal(signal.SIGCONT)

    def kill(self, number: int) -> None:
        """Kill a node with -9."""
        self.nodes[number].stop()

    def restart(self, number: int, *, after: float = _NOTICED) -> None:
        """Start a killed node again, with the folder it left; ``after`` seconds, as compose.cluster.yaml does."""
        time.sleep(after)
        self.nodes[number].start()


@contextmanager
def running_cluster(folder: Path, network: Network | None = None) -> Iterator[Cluster]:
    """Run a cluster that agrees on who is in it, its nodes joined by ``network``; raises ServerUnavailable."""
    program = binary()
    http_port, grpc_port, *ports = free_ports(2 + NODES)
    nodes: list[ServerProcess] = []
    places = [(f"127.0.0.{number}", port) for number, port in enumerate(ports, 2)]  # as machines have the same ports
    uris = [f"http://{host}:{port}" for host, port in (places if network is None else network.connect(places, nodes))]
    with ExitStack() as stack:
        for number, (host, port) in enumerate(places):
            home = folder / f"node-{number}"
            home.mkdir(parents=True)
            join = [] if number == 0 else ["--bootstrap", uris[0]]
            node = ServerProcess(
                program,
                home,
                arguments=["--uri", uris[number], *join],
                settings={"QDRANT__CLUSTER__ENABLED": "true", "QDRANT__CLUSTER__P2P__PORT": str(port)},
                place=(host, http_port, grpc_port),
            )
            nodes.append(node)
            stack.enter_context(node)
        cluster = Cluster(tuple(nodes), tuple(f"{host}:{port}" for host, port in places))
        _agreed(cluster)
        yield cluster


def _agreed(cluster: Cluster) -> None:
    """Wait until every node knows every other."""
    end = time.monotonic() + _TIMEOUT
    while any(_peers(address) < NODES for address in cluster.addresses):
        if time.monotonic() > end:
            raise ServerUnavailable(f"the cluster did not agree on its {NODES} nodes in {_TIMEOUT:g} s")
        time.sleep(0.1)


def _peers(address: Address) -> int:
    with urllib.request.urlopen(f"{address.url}/cluster", timeout=5) as answer:
        return len(json.load(answer)["result"]["peers"])
