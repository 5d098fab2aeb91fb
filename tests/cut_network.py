"""The lines between the nodes of a cluster as forwarders on loopback, so that one node can be cut off and come back.

Qdrant names one address a node to all others, so there is one forwarder a node; whose connection it takes is read from
/proc, so that a cut holds in both directions. What is sent over a cut line is held, as TCP does, and arrives after it.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

Place = tuple[str, int]  # host and port

_CHUNK = 65536
_PATIENCE = 10.0  # seconds for a thread to end


class Node(Protocol):
    """A process at one end of a line."""

    @property
    def pid(self) -> int | None:
        """Its process id, once it was started."""


class Network:
    """Forwarders to nodes; `cut` and `heal` hold back, and let go on, what a node and its peers send each other."""

    def __init__(self) -> None:
        self._nodes: Sequence[Node] = ()
        self._cut_off: set[int] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._listeners: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def connect(self, places: Sequence[Place], nodes: Sequence[Node]) -> list[Place]:
        """Listen for each of ``nodes``' places, which may be started later; returns where."""
        self._nodes = nodes
        return [self._listening(number, place) for number, place in enumerate(places)]

    def cut(self, number: int) -> None:
        """Let nothing pass between a node and its peers."""
        with self._changed:
            self._cut_off.add(number)

    def heal(self) -> None:
        """Let everything pass."""
        with self._changed:
            self._cut_off.clear()
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing = True
        self.heal()
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)  # wakes its thread, as closing it would not
            listener.close()
        for thread in list(self._threads):
            thread.join(_PATIENCE)

    def _listening(self, number: int, place: Place) -> Place:
        listener = socket.create_server(("127.0.0.1", 0))
        self._listeners.append(listener)
        self._start(self._accept, listener, number, place)
        return "127.0.0.1", int(listener.getsockname()[1])

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, number: int, place: Place) -> None:
        while not self._closing:
            try:
                near, address = listener.accept()
            except OSError:  # closed
                return
            try:
                far = socket.create_connection(place)
            except OSError:  # the node does not listen
                near.close()
                continue
            ends = {number, self._owner(address[1])}
            self._start(self._pump, near, far, ends)
            self._start(self._pump, far, near, ends)

    def _owner(self, port: int) -> int:
        """Find the node whose end of a connection has this port; -1 for none."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        names = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
        for number, node in enumerate(self._nodes):
            with suppress(OSError):  # a process may end meanwhile
                if node.pid is not None and names & set(_open_files(node.pid)):
                    return number
        return -1

    def _pump(self, source: socket.socket, sink: socket.socket, ends: set[int]) -> None:
        with source, suppress(OSError):
            while data := source.recv(_CHUNK):
                with self._changed:
                    self._changed.wait_for(lambda: not ends & self._cut_off)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


def _open_files(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(descriptor.readlink())
