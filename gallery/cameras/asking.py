"""Items to a gallery and their answers back, through breaks of the connection and silences of the server."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Protocol

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    stop_never,
    wait_random_exponential,
)

from gallery.domain import StreamAnswer, StreamItem, StreamProbe
from gallery.errors import WORTH_REPEATING, DeadlineExceeded, ImageTooLarge, ServerUnavailable

_LONGEST_PAUSE = 15.0


class Streams(Protocol):
    """What answers streams: a client, or the use cases themselves."""

    def identify_stream(
        self,
        gallery_id: str,
        probes: AsyncIterable[StreamItem],
        *,
        max_candidates: int = 5,
        threshold: float | None = None,
    ) -> AsyncGenerator[StreamAnswer, None]:
        """Answer items as they come."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for an ``answer`` while one is due, and for ``progress`` while tries fail (None: for ever)."""

    answer: float
    progress: float | None


class Asking:
    """One camera's questions to one gallery, as a stream that is opened again whenever it breaks.

    What has no answer then is asked again. The server's tracks end with its stream: a track that goes on in the next
    one rests on its images from there on.
    """

    def __init__(
        self,
        gallery: Streams,
        gallery_id: str,
        threshold: float | None,
        patience: Patience,
        tell: Callable[[str], None],
    ) -> None:
        self._gallery = gallery
        self._gallery_id = gallery_id
        self._threshold = threshold
        self._patience = patience
        self._tell = tell
        self._pending: dict[str, StreamItem] = {}
        self._stopping = asyncio.Event()
        self._away_since: float | None = None
        self._ended = False
        self._deadline: asyncio.Timeout | None = None

    def stop(self) -> None:
        """Try no more once the stream breaks."""
        self._stopping.set()

    async def run(self, items: "asyncio.Queue[StreamItem | None]", answered: Callable[[StreamAnswer], None]) -> None:
        """Ask all items until a None; ``answered`` is told each answer. Raises what no repetition mends.

        Nobody puts more items than there may be in flight.
        """
        while self._pending or not self._ended:
            await self._repeatedly(items, answered)

    async def _repeatedly(
        self, items: "asyncio.Queue[StreamItem | None]", answered: Callable[[StreamAnswer], None]
    ) -> None:
        limit = self._patience.progress
        in_vain = stop_never if limit is None else stop_after_delay(limit)
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
                await self._attempt(items, answered)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _tell_of_waiting(self, state: RetryCallState) -> None:
        if self._away_since is None and state.outcome is not None:
            self._away_since = time.monotonic()
            self._tell(f"trying again: {state.outcome.exception()}")

    async def _attempt(
        self, items: "asyncio.Queue[StreamItem | None]", answered: Callable[[StreamAnswer], None]
    ) -> None:
        """Ask until all is answered or something is in the way; raises that only when nothing at all was answered."""
        achieved = False
        try:
            async with asyncio.timeout(None) as self._deadline:
                stream = self._gallery.identify_stream(
                    self._gallery_id, self._items(items), max_candidates=2, threshold=self._threshold
                )
                async with aclosing(stream) as answers:
                    async for answer in answers:
                        achieved |= self._take(answer, answered)
                        self._expect()
            if self._pending or not self._ended:
                raise ServerUnavailable("the server ended the stream")
        except TimeoutError as error:
            if not achieved:
                raise DeadlineExceeded(f"no frame was answered within {self._patience.answer:g} s") from error
        except ImageTooLarge as error:  # a message that the server does not even receive: no other is as large
            largest = max(self._pending, key=lambda key: _size(self._pending[key]))
            self._take(StreamAnswer(largest, error=error), answered)
        except WORTH_REPEATING:
            if not achieved:
                raise

    async def _items(self, items: "asyncio.Queue[StreamItem | None]") -> AsyncIterator[StreamItem]:
        for again in list(self._pending.values()):
            self._expect()
            yield again
        while not self._ended:
            item = await items.get()
            if item is None:
                self._ended = True
                return
            self._pending[item.item_id] = item
            if len(self._pending) == 1:
                self._expect()
            yield item

    def _expect(self) -> None:
        """Expect an answer within the time for one, if one is due."""
        if self._deadline is not None and not self._deadline.expired():
            due = asyncio.get_running_loop().time() + self._patience.answer
            self._deadline.reschedule(due if self._pending else None)

    def _take(self, answer: StreamAnswer, answered: Callable[[StreamAnswer], None]) -> bool:
        """Hand on an answer, or raise its error where asking again may mend it; returns whether it was due."""
        if answer.item_id not in self._pending:
            return False
        if isinstance(answer.error, WORTH_REPEATING):
            raise answer.error
        if self._away_since is not None:
            self._tell(f"answers come again, after {time.monotonic() - self._away_since:.1f} s")
            self._away_since = None
        del self._pending[answer.item_id]
        answered(answer)
        return True


def _size(item: StreamItem) -> int:
    return len(item.image.content) if isinstance(item, StreamProbe) else 0
