"""Appending to the audit log: a thread writes what has gathered, so that no call waits for a disk without need."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

from gallery.audit.chain import Chain
from gallery.audit.entries import Event
from gallery.audit.files import Head
from gallery.errors import AuditUnavailable

_SECONDS_TO_GATHER = 1.0

_log = logging.getLogger(__name__)


class AuditLog:
    """The log of one server.

    `append` returns at once; the event is on disk within a second. `commit` returns when it is on disk, together with
    everything appended before: writers that wait share one sync. While the disk refuses, events are kept and tried
    again each second, and `check` raises.
    """

    def __init__(
        self,
        folder: Path,
        *,
        file_bytes: int = 64 * 2**20,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open the log in ``folder``, made when it is not there; a file of it grows to ``file_bytes``."""
        self._clock = clock
        self._folder = folder
        self._chain = Chain(folder, file_bytes=file_bytes, now=clock())
        self._wake = threading.Condition()
        self._waiting: list[tuple[Event, datetime]] = []
        self._promises: list[Future[None]] = []
        self._failure: OSError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="audit", daemon=True)
        self._thread.start()

    @property
    def head(self) -> Head:
        """The last line on disk."""
        return self._chain.head

    def check(self) -> None:
        """Raise AuditUnavailable while events cannot be written, so that nothing is done that would go unrecorded."""
        if self._failure is not None:
            raise self._unavailable(self._failure)

    def append(self, event: Event) -> None:
        """Have an event written within a second."""
        with self._wake:
            self._waiting.append((event, self._clock()))
            if len(self._waiting) == 1:
                self._wake.notify()

    async def commit(self, event: Event) -> None:
        """Return once an event is on disk; raises AuditUnavailable, and goes on trying all the same."""
        promise: Future[None] = Future()
        with self._wake:
            self._waiting.append((event, self._clock()))
            self._promises.append(promise)
            self._wake.notify()
        await asyncio.wrap_future(promise)

    async def close(self) -> None:
        """Write what waits, and let the folder go."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)

    def _write(self) -> None:
        while self._write_a_batch():
            pass
        self._chain.close()

    def _write_a_batch(self) -> bool:
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closing)
            self._wake.wait_for(lambda: self._promises or self._closing, _SECONDS_TO_GATHER)
            batch, self._waiting = self._waiting, []
            promises = [promise for promise in self._promises if promise.set_running_or_notify_cancel()]
            self._promises = []
        try:
            if batch:
                self._chain.write(batch)
            self._failure = None
        except OSError as error:
            _log.error("the audit log %s cannot be written: %s", self._folder, error)
            self._failure = error
            with self._wake:
                self._waiting[:0] = batch
        for promise in promises:
            if self._failure is None:
                promise.set_result(None)
            else:
                promise.set_exception(self._unavailable(self._failure))
        return not (self._closing and (self._failure is not None or not self._waiting))

    def _unavailable(self, error: OSError) -> AuditUnavailable:
        return AuditUnavailable(
            f"the audit log cannot be written ({error.strerror})",
            remedy="make room on the server's disk; calls that are audited are refused until then",
        )
