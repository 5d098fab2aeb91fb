"""From a row to what is sent: the picture read and hashed, what is done already left out. In a thread of its own."""

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from gallery.cli.bulk.outcome import Outcome, Result
from gallery.cli.bulk.row import BadRow, Row
from gallery.cli.bulk.seen import Seen
from gallery.domain import EncodedImage, checked_context, checked_identity_id, template_id_of
from gallery.errors import GalleryError, ImageTooLarge, InvalidImage

_AHEAD = 16
_LARGEST_FILE = 2**30  # the most that a server can be told to accept


@dataclass(frozen=True, slots=True)
class Ready:
    """A row that is to be sent."""

    row: Row
    image: EncodedImage
    template_id: UUID


def prepared(rows: Iterator[Row | BadRow], done: Seen, met: Seen) -> Iterator[Ready | Outcome]:
    """Make each row ready, or say what became of it: ``done`` are the templates that need not be sent again."""
    for row in rows:
        if isinstance(row, BadRow):
            yield Outcome(row, Result.REFUSED, error=row.error)
            continue
        try:
            content = _content(row.path)
            checked_context(row.context)
            digest = hashlib.sha256(content).hexdigest()
            template_id = template_id_of(checked_identity_id(row.identity_id), digest, row.region)
        except GalleryError as error:
            yield Outcome(row, Result.REFUSED, error=error)
            continue
        if template_id.bytes in done:
            yield Outcome(row, Result.SKIPPED, template_id)
        elif not met.add(template_id.bytes):
            yield Outcome(row, Result.DUPLICATE, template_id)
        else:
            regions = () if row.region is None else (row.region,)
            yield Ready(row, EncodedImage(content, regions, row.context), template_id)


def _content(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise InvalidImage(f"the picture {path} is no file", expected="a readable file")
        if path.stat().st_size > _LARGEST_FILE:
            raise ImageTooLarge(f"the file {path} has {path.stat().st_size} bytes", expected=f"at most {_LARGEST_FILE}")
        return path.read_bytes()
    except OSError as error:
        raise InvalidImage(
            f"the picture {path} cannot be read ({error.strerror})", expected="a readable file"
        ) from error
    except ValueError as error:
        raise InvalidImage(f"{str(path)!r} is no path ({error})", expected="a readable file") from error


class Feed:
    """What a thread prepares, a few ahead of what is taken; ``changed`` is called in the event loop on every change.

    The thread is left to itself when the feed is closed: it may wait for standard input for ever.
    """

    def __init__(self, source: Iterator[Ready | Outcome], changed: Callable[[], None]) -> None:
        self._source = source
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._ready: deque[Ready | Outcome] = deque()
        self._places = threading.Semaphore(_AHEAD)
        self._closed = False
        self._ended = False
        self._error: Exception | None = None
        threading.Thread(target=self._run, name="prepare", daemon=True).start()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is ready at the moment."""
        return not self._ready

    @property
    def has_ended(self) -> bool:
        """Whether everything was taken; raises the error that broke off the rows, if one did."""
        if self._ended and not self._ready and self._error is not None:
            raise self._error
        return self._ended and not self._ready

    def take(self) -> Ready | Outcome:
        """Take what is ready."""
        each = self._ready.popleft()
        self._places.release()
        return each

    def close(self) -> None:
        """Prepare no more."""
        self._closed = True
        self._places.release()

    def _run(self) -> None:
        try:
            for each in self._source:
                self._places.acquire()
                if self._closed:
                    return
                self._call(self._ready.append, each)
        except Exception as error:
            self._error = error
        finally:
            self._call(self._end)

    def _end(self) -> None:
        self._ended = True

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        def call() -> None:
            function(*arguments)
            self._changed()

        with suppress(RuntimeError):  # the loop is gone, and nobody waits any more
            self._loop.call_soon_threadsafe(call)
