"""Items to a stream and their answers back, through breaks of the connection and silences of the server."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    stop_never,
    wait_random_exponential,
)

from gallery.errors import WORTH_REPEATING, DeadlineExceeded, GalleryError, ImageTooLarge, ServerUnavailable

_LONGEST_PAUSE = 15.0


class Sent(Protocol):
    """What an item must have: an id of its own among those without an answer."""

    @property
    def item_id(self) -> str:
        """Whose answer it will be."""


class Answered(Sent, Protocol):
    """What an answer must have: the id of its item, and what was in the way."""

    @property
    def error(self) -> GalleryError | None:
        """Why the item was refused, if it was."""


Item = TypeVar("Item", bound=Sent)
Answer = TypeVar("Answer", bound=Answered)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for an ``answer`` while one is due, and for ``progress`` while tries fail (None: for ever)."""

    answer: float
    progress: float | None


class Resending(ABC, Generic[Item, Answer]):
    """An exchange over a stream that is opened again whenever it breaks; what has no answer then is sent again.

    An item whose answer is an error worth repeating counts as unanswered: the rest of the stream's answers are awaited,
    and the item is sent again before anything new. Pauses between tries that settle nothing grow longer and longer.
    """

    def __init__(self, patience: Patience, say: Callable[[str], None]) -> None:
        """``say`` is told that it waits, and that it goes on."""
        self._patience = patience
        self._say = say
        self._unanswered: dict[str, Item] = {}
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._held_up: GalleryError | None = None
        self._away_since: float | None = None
        self._deadline: asyncio.Timeout | None = None

    @abstractmethod
    def _stream(self, items: AsyncIterator[Item]) -> AsyncGenerator[Answer, None]:
        """Open a stream."""

    @abstractmethod
    def _has_ended(self) -> bool:
        """Whether no new item will come any more."""

    @abstractmethod
    def _next(self) -> Item | None:
        """Take a new item; None while there is none, or no room for it. `changed` has it asked again."""

    @abstractmethod
    def _settle(self, item: Item, answer: Answer) -> None:
        """Take an item's answer, which is final."""

    @abstractmethod
    def _refusal(self, item_id: str, error: GalleryError) -> Answer:
        """Make the answer to an item that the server does not even receive."""

    @abstractmethod
    def _size(self, item: Item) -> int:
        """How many bytes an item has, more or less."""

    def changed(self) -> None:
        """Look again at what there is to send."""
        self._changed.set()

    def stop(self) -> None:
        """Try no more once the stream breaks."""
        self._stopping.set()
        self._changed.set()

    async def exchange(self) -> None:
        """Send all items and take all answers; raises what no repetition mends, and what patience did not outlast."""
        while self._unanswered or not self._has_ended():
            await self._repeatedly()

    async def _repeatedly(self) -> None:
        limit = self._patience.progress
        in_vain = stop_never if limit is None else stop_after_delay(limit)
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(WORTH_REPEATING),
            stop=lambda state: self._stopping.is_set() or in_vain(state),
            wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_PAUSE),
            sleep=self._pause,
            before_sleep=self._say_that_it_waits,
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                await self._attempt()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _say_that_it_waits(self, state: RetryCallState) -> None:
        if self._away_since is None and state.outcome is not None:
            self._away_since = time.monotonic()
            limit = self._patience.progress
            at_most = "" if limit is None else f" (for {limit:g} s at most)"
            self._say(f"trying again: {state.outcome.exception()}{at_most}")

    async def _attempt(self) -> None:
        """Send until all is answered or something is in the way; raises that only when nothing at all was settled."""
        self._held_up, achieved = None, False
        try:
            async with asyncio.timeout(self._patience.answer) as self._deadline:  # for the stream to be taken
                async with aclosing(self._stream(self._items())) as answers:
                    async for answer in answers:
                        achieved |= self._take(answer)
                        self._expect()
            if self._held_up is None and (self._unanswered or not self._has_ended()):
                self._held_up = ServerUnavailable("the server ended the stream")
        except TimeoutError:
            self._held_up = DeadlineExceeded(f"nothing was answered within {self._patience.answer:g} s")
        except ImageTooLarge as error:  # a message that the server does not even receive: no other is as large
            largest = max(self._unanswered.values(), key=self._size)
            achieved = self._take(self._refusal(largest.item_id, error))
        except WORTH_REPEATING as error:
            self._held_up = error
        if self._held_up is not None and not achieved:
            raise self._held_up

    async def _items(self) -> AsyncIterator[Item]:
        self._expect()
        for again in list(self._unanswered.values()):
            self._expect()
            yield again
        while self._held_up is None and not self._has_ended():
            self._changed.clear()
            item = self._next()
            if item is None:
                if not self._has_ended():
                    await self._changed.wait()
                continue
            self._unanswered[item.item_id] = item
            if len(self._unanswered) == 1:
                self._expect()
            yield item

    def _expect(self) -> None:
        """Expect an answer within the time for one, if one is due."""
        if self._deadline is not None and not self._deadline.expired():
            due = asyncio.get_running_loop().time() + self._patience.answer
            self._deadline.reschedule(due if self._unanswered else None)

    def _take(self, answer: Answer) -> bool:
        """Take an answer; returns whether it settles its item."""
        if answer.item_id not in self._unanswered:
            return False
        if isinstance(answer.error, WORTH_REPEATING):
            self._held_up = answer.error
            self._changed.set()
            return False
        if self._away_since is not None:
            self._say(f"answers come again, after {time.monotonic() - self._away_since:.1f} s")
            self._away_since = None
        self._settle(self._unanswered.pop(answer.item_id), answer)
        self._changed.set()
        return True
