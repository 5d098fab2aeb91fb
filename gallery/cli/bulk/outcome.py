"""What became of a row."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gallery.cli.bulk.row import BadRow, Row
from gallery.domain import Conflict
from gallery.errors import GalleryError


class Result(StrEnum):
    """How a row ended."""

    CREATED = "created"
    KNOWN = "known"  # enrolled before: the server says so
    SKIPPED = "skipped"  # enrolled before: the report says so, and it was not sent
    DUPLICATE = "duplicate"  # the same picture of the same person was met before in this run
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"  # sent and not answered for as long as was waited; to be enrolled again


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: REFUSED and UNAVAILABLE have an ``error``, all that could be read a ``template_id``."""

    row: Row | BadRow
    result: Result
    template_id: UUID | None = None
    error: GalleryError | None = None
    conflicts: tuple[Conflict, ...] = ()
