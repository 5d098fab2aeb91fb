"""Rows to a gallery and their outcomes back, however often the stream breaks or the store is silent."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from typing import Protocol

from gallery.cli.bulk.outcome import Outcome, Result
from gallery.cli.bulk.preparing import Feed, Ready
from gallery.cli.output import say
from gallery.domain import BulkItem, BulkResult
from gallery.errors import WORTH_REPEATING, GalleryError, ServerUnavailable
from gallery.resending import Patience, Resending

_IN_FLIGHT = 256
_BYTES_IN_FLIGHT = 64 * 2**20


class Bulk(Protocol):
    """What enrols in bulk: a client, or the use cases themselves."""

    def bulk_enroll(self, gallery_id: str, items: AsyncIterable[BulkItem]) -> AsyncGenerator[BulkResult, None]:
        """As `gallery.use_cases.GalleryUseCases.bulk_enroll`."""


class Sending(Resending[BulkItem, BulkResult]):
    """Sends rows, at most 256 of them and 64 MiB without an outcome, and tells each row's outcome.

    What is already enrolled when it is sent again is known, not enrolled twice.
    """

    def __init__(
        self,
        bulk: Bulk,
        gallery_id: str,
        rows: Iterator[Ready | Outcome],
        patience: Patience,
        tell: Callable[[Outcome], None],
    ) -> None:
        """Begin to prepare ``rows``, in a thread."""
        super().__init__(patience, say)
        self._feed = Feed(rows, self.changed)
        self._bulk = bulk
        self._gallery_id = gallery_id
        self._tell = tell
        self._rows: dict[str, Ready] = {}  # without an outcome, by item id
        self._bytes = 0
        self._number = 0
        self._is_stopped = False

    def stop(self) -> None:
        """Send nothing new; what was sent is waited for."""
        self._is_stopped = True
        super().stop()

    async def run(self) -> GalleryError | None:
        """Send all rows; returns what it gave up for, if it did. Raises what no repetition mends.

        However it ends, what has no outcome is told as UNAVAILABLE.
        """
        error: GalleryError | None = None
        try:
            await self.exchange()
        except WORTH_REPEATING as failure:
            error = failure
        except GalleryError as failure:
            error = failure
            raise
        finally:
            self._feed.close()
            error = error or ServerUnavailable("the enrolment was broken off before this image was answered")
            for ready in self._rows.values():
                self._tell(Outcome(ready.row, Result.UNAVAILABLE, ready.template_id, error))
        return error if self._rows else None

    def _stream(self, items: AsyncIterator[BulkItem]) -> AsyncGenerator[BulkResult, None]:
        return self._bulk.bulk_enroll(self._gallery_id, items)

    def _has_ended(self) -> bool:
        return self._is_stopped or self._feed.has_ended

    def _next(self) -> BulkItem | None:
        while not self._feed.is_empty and self._has_room():
            each = self._feed.take()
            if isinstance(each, Outcome):
                self._tell(each)
                continue
            self._number += 1
            item = BulkItem(str(self._number), each.row.identity_id, each.image)
            self._rows[item.item_id] = each
            self._bytes += self._size(item)
            return item
        return None

    def _has_room(self) -> bool:
        return not self._is_stopped and len(self._rows) < _IN_FLIGHT and self._bytes < _BYTES_IN_FLIGHT

    def _settle(self, item: BulkItem, answer: BulkResult) -> None:
        ready = self._rows.pop(item.item_id)
        self._bytes -= self._size(item)
        if answer.error is not None or answer.template is None:
            self._tell(Outcome(ready.row, Result.REFUSED, ready.template_id, answer.error))
            return
        template = answer.template
        kind = Result.CREATED if template.created else Result.KNOWN
        self._tell(Outcome(ready.row, kind, template.template.template_id, None, template.conflicts))

    def _refusal(self, item_id: str, error: GalleryError) -> BulkResult:
        return BulkResult(item_id, error=error)

    def _size(self, item: BulkItem) -> int:
        return len(item.image.content)
