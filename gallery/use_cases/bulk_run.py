"""One bulk enrolment under way: what was read and is not answered yet, and where each of it stands."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from gallery.domain import BulkItem, BulkResult, EnrolledTemplate, TemplateInfo
from gallery.errors import GalleryError
from gallery.use_cases.enrolling import Taken
from gallery.use_cases.unstored import Unstored

_IN_FLIGHT = 256  # more than are embedded while a group is brought to disk
_BYTES_IN_FLIGHT = 64 * 2**20
_LOOKED_UP_AT_ONCE = 32
_WRITTEN_AT_ONCE = 64
_LONGEST_WAIT = 0.25  # seconds that a template waits for others to share its flush


@dataclass(eq=False, slots=True)
class Making:
    """A template to be made of one item, and of those with the same content that came before it was stored."""

    info: TemplateInfo
    items: list[BulkItem]


class BulkRun:
    """The state of one bulk enrolment, bounded by the items and bytes that are read and not answered."""

    def __init__(self, gallery_id: str) -> None:
        self.gallery_id = gallery_id
        self.unstored = Unstored(_IN_FLIGHT)
        self._room = _Room(_IN_FLIGHT, _BYTES_IN_FLIGHT)
        self._arrived: asyncio.Queue[BulkItem | None] = asyncio.Queue()
        self._answers: asyncio.Queue[tuple[BulkResult, int] | None] = asyncio.Queue()
        self._making: dict[UUID, Making] = {}
        self._taken: list[tuple[Making, Taken]] = []
        self._unanswered = 0
        self._ended = False
        self._changed = asyncio.Event()

    async def read(self, items: AsyncIterable[BulkItem | BulkResult]) -> None:
        """Read items as there is room for them; what is refused already is answered at once."""
        async for item in items:
            size = len(item.image.content) if isinstance(item, BulkItem) else 0
            await self._room.take(size)
            if isinstance(item, BulkResult):
                self._answers.put_nowait((item, 0))
            else:
                self._unanswered += 1
                self._arrived.put_nowait(item)
        self._arrived.put_nowait(None)

    async def next_batch(self) -> list[BulkItem]:
        """Wait for an item and take those that are there with it; empty at the end of all."""
        batch: list[BulkItem] = []
        item = None if self._ended else await self._arrived.get()
        while item is not None:
            batch.append(item)
            if len(batch) == _LOOKED_UP_AT_ONCE or self._arrived.empty():
                return batch
            item = self._arrived.get_nowait()
        self._ended = True
        self._changed.set()
        return batch

    def join(self, item: BulkItem, info: TemplateInfo) -> Making | None:
        """Note the template an item asks for; returns it, unless it is being made for another item already."""
        making = self._making.get(info.template_id)
        if making is not None:
            making.items.append(item)
            return None
        making = self._making[info.template_id] = Making(info, [item])
        return making

    def take(self, making: Making, taken: Taken) -> None:
        """Let a template wait to be written."""
        self._taken.append((making, taken))
        self._changed.set()

    async def next_group(self) -> list[tuple[Making, Taken]]:
        """Wait until enough templates can be written together, or no others are to be waited for; empty at the end."""
        while not self._taken:
            if self._ended and not self._making:
                return []
            await self._change()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_WAIT):
                while len(self._taken) < _WRITTEN_AT_ONCE and self._others_are_coming():
                    await self._change()
        group, self._taken = self._taken, []
        return group

    def refuse(self, items: Sequence[BulkItem], error: GalleryError) -> None:
        """Answer items with what they are refused for."""
        for item in items:
            self._answer(item, BulkResult(item.item_id, error=error))

    def finish(self, making: Making, outcome: EnrolledTemplate | GalleryError) -> None:
        """Answer all that asked for a template; only the first of them has created it."""
        del self._making[making.info.template_id]
        self.unstored.discard(making.info.template_id)
        if isinstance(outcome, GalleryError):
            self.refuse(making.items, outcome)
            return
        for item in making.items:
            self._answer(item, BulkResult(item.item_id, template=outcome))
            outcome = replace(outcome, created=False)

    async def answers(self) -> AsyncGenerator[BulkResult, None]:
        """Give the answers until `end_answers`; the place of one is free when the next is asked for."""
        while (answer := await self._answers.get()) is not None:
            yield answer[0]
            self._room.give(answer[1])

    def end_answers(self) -> None:
        """Let `answers` end after those that are there."""
        self._answers.put_nowait(None)

    def _answer(self, item: BulkItem, result: BulkResult) -> None:
        self._unanswered -= 1
        self._answers.put_nowait((result, len(item.image.content)))
        self._changed.set()

    def _others_are_coming(self) -> bool:
        return self._unanswered > sum(len(making.items) for making, _ in self._taken)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class _Room:
    """Places for so many items and bytes; an item that is larger than all of it gets in alone."""

    def __init__(self, places: int, size: int) -> None:
        self._places, self._free_places, self._free_bytes = places, places, size
        self._given = asyncio.Event()

    async def take(self, size: int) -> None:
        """Wait for a place of this size."""
        while self._free_places < self._places and (not self._free_places or size > self._free_bytes):
            self._given.clear()
            await self._given.wait()
        self._free_places -= 1
        self._free_bytes -= size

    def give(self, size: int) -> None:
        """Give a place back."""
        self._free_places += 1
        self._free_bytes += size
        self._given.set()
