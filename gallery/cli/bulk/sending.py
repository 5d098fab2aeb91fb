"""Rows to a gallery and their outcomes back, through breaks of the connection and silences of the store."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from gallery.cli.bulk.outcome import Outcome, Result
from gallery.cli.bulk.preparing import Feed, Ready
from gallery.cli.output import say
from gallery.domain import BulkItem, BulkResult
from gallery.errors import WORTH_REPEATING, DeadlineExceeded, GalleryError, ImageTooLarge, ServerUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

_IN_FLIGHT = 256
_BYTES_IN_FLIGHT = 64 * 2**20
_LONGEST_PAUSE = 15.0


class Bulk(Protocol):
    """What enrols in bulk: a client, or the use cases themselves."""

    def bulk_enroll(self, gallery_id: str, items: "AsyncIterable[BulkItem]") -> AsyncGenerator[BulkResult, None]:
        """As `gallery.use_cases.GalleryUseCases.bulk_enroll`."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds: for an answer while one is due, and in all for one that helps."""

    answer: float
    progress: float


class Sending:
    """Sends what a feed prepares, at most 256 rows and 64 MiB without an outcome, and tells each row's outcome.

    What has no outcome when a stream breaks, or meets a store that does not answer, is sent again, with backoff;
    what is already enrolled then is known, not enrolled twice.
    """

    def __init__(
        self,
        bulk: Bulk,
        gallery_id: str,
        patience: Patience,
        tell: Callable[[Outcome], None],
    ) -> None:
        self._bulk = bulk
        self._gallery_id = gallery_id
        self._patience = patience
        self._tell = tell
        self._pending: dict[str, Ready] = {}
        self._bytes = 0
        self._number = 0
        self._stopping = asyncio.Event()
        self._held_up: GalleryError | None = None
        self._changed = asyncio.Event()
        self._deadline: asyncio.Timeout | None = None

    def changed(self) -> None:
        """Look again at what there is to send."""
        self._changed.set()

    def stop(self) -> None:
        """Send nothing new; what was sent is waited for."""
        self._stopping.set()
        self._changed.set()

    async def run(self, feed: Feed) -> GalleryError | None:
        """Send all of ``feed``; returns what it gave up for, if it did. Raises what no repetition mends.

        However it ends, what has no outcome is told as UNAVAILABLE.
        """
        error: GalleryError | None = None
        try:
            while self._pending or not (feed.has_ended or self._stopping.is_set()):
                await self._repeatedly(feed)
        except WORTH_REPEATING as failure:
            error = failure
        except GalleryError as failure:
            error = failure
            raise
        finally:
            error = error or ServerUnavailable("the enrolment was broken off before this image was answered")
            for ready in self._pending.values():
                self._tell(Outcome(ready.row, Result.UNAVAILABLE, ready.template_id, error))
            gave_up, self._pending = bool(self._pending), {}
        return error if gave_up else None

    async def _repeatedly(self, feed: Feed) -> None:
        in_vain = stop_after_delay(self._patience.progress)
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(WORTH_REPEATING),
            stop=lambda state: self._stopping.is_set() or in_vain(state),
            wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_PAUSE),
            sleep=self._pause,
            before_sleep=self._tell_of_waiting,
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                await self._attempt(feed)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _tell_of_waiting(self, state: RetryCallState) -> None:
        if state.attempt_number == 1 and state.outcome is not None:
            say(f"waiting, up to {self._patience.progress:g} s: {state.outcome.exception()}")

    async def _attempt(self, feed: Feed) -> None:
        """Send until all is answered or something is in the way; raises that only when nothing at all was achieved."""
        self._held_up, achieved = None, False
        try:
            async with asyncio.timeout(None) as self._deadline:
                async with aclosing(self._bulk.bulk_enroll(self._gallery_id, self._items(feed))) as results:
                    async for result in results:
                        achieved |= self._take(result)
                        self._expect()
        except TimeoutError:
            self._held_up = DeadlineExceeded(f"no image was answered within {self._patience.answer:g} s")
        except ImageTooLarge as error:  # a message that the server does not even receive: no other is as large
            self._finish(max(self._pending, key=lambda key: len(self._pending[key].image.content)), error)
            achieved = True
        except WORTH_REPEATING as error:
            self._held_up = error
        if self._held_up is not None and not achieved:
            raise self._held_up

    async def _items(self, feed: Feed) -> AsyncIterator[BulkItem]:
        for key, ready in list(self._pending.items()):
            self._expect()
            yield BulkItem(key, ready.row.identity_id, ready.image)
        while not self._stopping.is_set() and self._held_up is None and not feed.has_ended:
            if feed.is_empty or len(self._pending) >= _IN_FLIGHT or self._bytes >= _BYTES_IN_FLIGHT:
                self._changed.clear()
                await self._changed.wait()
                continue
            each = feed.take()
            if isinstance(each, Outcome):
                self._tell(each)
                continue
            self._number += 1
            key = str(self._number)
            was_idle = not self._pending
            self._pending[key] = each
            self._bytes += len(each.image.content)
            if was_idle:
                self._expect()
            yield BulkItem(key, each.row.identity_id, each.image)

    def _expect(self) -> None:
        """Expect an answer within the time for one, if one is due."""
        if self._deadline is not None and not self._deadline.expired():
            due = asyncio.get_running_loop().time() + self._patience.answer
            self._deadline.reschedule(due if self._pending else None)

    def _take(self, result: BulkResult) -> bool:
        """Note a result; returns whether it settles its row."""
        ready = self._pending.get(result.item_id)
        if ready is None:
            return False
        if isinstance(result.error, WORTH_REPEATING):
            self._held_up = result.error
            self._changed.set()
            return False
        if result.error is not None or result.template is None:
            self._finish(result.item_id, result.error)
            return True
        template = result.template
        kind = Result.CREATED if template.created else Result.KNOWN
        self._settle(result.item_id, Outcome(ready.row, kind, template.template.template_id, None, template.conflicts))
        return True

    def _finish(self, key: str, error: GalleryError | None) -> None:
        ready = self._pending[key]
        self._settle(key, Outcome(ready.row, Result.REFUSED, ready.template_id, error))

    def _settle(self, key: str, outcome: Outcome) -> None:
        self._bytes -= len(self._pending.pop(key).image.content)
        self._changed.set()
        self._tell(outcome)
