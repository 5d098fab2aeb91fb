"""A camera's questions to a gallery and their answers, however often the stream breaks."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Protocol

from gallery.domain import StreamAnswer, StreamItem, StreamProbe
from gallery.errors import GalleryError
from gallery.resending import Patience, Resending


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


class Asking(Resending[StreamItem, StreamAnswer]):
    """One camera's questions to one gallery.

    The server's tracks end with their stream. A track that goes on in the next stream rests on its images there alone.
    """

    def __init__(
        self,
        gallery: Streams,
        gallery_id: str,
        threshold: float | None,
        patience: Patience,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(patience, say)
        self._gallery = gallery
        self._gallery_id = gallery_id
        self._threshold = threshold
        self._waiting: deque[StreamItem] = deque()
        self._is_last = False
        self._answered: Callable[[StreamAnswer], None] = lambda answer: None

    def ask(self, item: StreamItem) -> None:
        """Send an item soon; the caller holds to the number that may be in flight."""
        self._waiting.append(item)
        self.changed()

    def end(self) -> None:
        """Say that no more items come."""
        self._is_last = True
        self.changed()

    async def run(self, answered: Callable[[StreamAnswer], None]) -> None:
        """Send until all items are answered; ``answered`` is told each answer. Raises what no repetition mends."""
        self._answered = answered
        await self.exchange()

    def _stream(self, items: AsyncIterator[StreamItem]) -> AsyncGenerator[StreamAnswer, None]:
        return self._gallery.identify_stream(self._gallery_id, items, max_candidates=2, threshold=self._threshold)

    def _has_ended(self) -> bool:
        return self._is_last and not self._waiting

    def _next(self) -> StreamItem | None:
        return self._waiting.popleft() if self._waiting else None

    def _settle(self, item: StreamItem, answer: StreamAnswer) -> None:
        self._answered(answer)

    def _refusal(self, item_id: str, error: GalleryError) -> StreamAnswer:
        return StreamAnswer(item_id, error=error)

    def _size(self, item: StreamItem) -> int:
        return len(item.image.content) if isinstance(item, StreamProbe) else 0
