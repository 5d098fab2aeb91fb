"""One image to enrol, as a source names it."""

from dataclasses import dataclass
from pathlib import Path

from gallery.domain import NO_CONTEXT, Context, Region
from gallery.errors import GalleryError


@dataclass(frozen=True, slots=True)
class Row:
    """An image of one person; ``source`` says where it is named, for people."""

    source: str
    path: Path
    identity_id: str
    region: Region | None = None
    context: Context = NO_CONTEXT


@dataclass(frozen=True, slots=True)
class BadRow:
    """What should be a row and cannot be read as one, and why."""

    source: str
    error: GalleryError
