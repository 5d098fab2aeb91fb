"""The requests that wait in the engine's process, searches apart: somebody stands before a camera."""

import os
import select
from collections import deque

from gallery.edge_store.frames import take_messages
from gallery.edge_store.messages import Asked, Probe

_CHUNK = 1 << 20
_GROUP = 8 << 20


class Inbox:
    """What has arrived through the pipe ``pipe`` and was not carried out yet.

    ``probes`` may go before all else, since nobody can have seen the end of what they overtake; ``others`` keep their
    order. It is full with 8 MiB since `begin_group`, and then takes no more.
    """

    def __init__(self, pipe: int) -> None:
        self.probes: deque[Asked] = deque()
        self.others: deque[Asked] = deque()
        self.ended = False
        self._pipe = pipe
        self._buffer = bytearray()
        self._taken = 0

    @property
    def full(self) -> bool:
        """Whether it takes no more before a new group is begun."""
        return self._taken >= _GROUP

    def begin_group(self) -> None:
        """Say that all that was taken has been carried out."""
        self._taken = 0

    def has_more(self) -> bool:
        """Whether something waits in the pipe."""
        return not self.ended and bool(select.select([self._pipe], [], [], 0)[0])

    def take(self) -> None:
        """Take some of what waits in the pipe, or wait until something does."""
        chunk = os.read(self._pipe, _CHUNK)
        self.ended = not chunk
        self._taken += len(chunk)
        self._buffer += chunk
        for asked in take_messages(self._buffer):
            (self.probes if isinstance(asked.request, Probe) else self.others).append(asked)
