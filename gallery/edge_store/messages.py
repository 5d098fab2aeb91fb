"""What goes through the pipe between the store and the process that owns the engine; `frames` says how.

Embeddings travel as raw float32 bytes. An answer that is a list of lines, tuples, is plain all the way down.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from gallery.domain import Fusion, Gallery, LedgerEntry, TemplateFilter
from gallery.errors import GalleryError


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered with None."""


@dataclass(frozen=True, slots=True)
class CreateGallery:
    """Answered with None once it is on disk."""

    gallery: Gallery


@dataclass(frozen=True, slots=True)
class UpdateGallery:
    """Write ``gallery`` over the record ``replacing``. Answered with None once it is on disk."""

    gallery: Gallery
    replacing: Gallery

    @property
    def gallery_id(self) -> str:
        """Whose record it is."""
        return self.gallery.gallery_id


@dataclass(frozen=True, slots=True)
class CreateDraft:
    """Answered with None once it is on disk."""

    gallery: Gallery


@dataclass(frozen=True, slots=True)
class PublishDraft:
    """Answered with None once the draft has the gallery's place on disk."""

    gallery_id: str


@dataclass(frozen=True, slots=True)
class Compact:
    """Answered with None once what had been deleted before is in no file any more."""

    gallery_id: str


@dataclass(frozen=True, slots=True)
class RecordErasures:
    """Answered with None once they are on disk."""

    entries: list[LedgerEntry]


@dataclass(frozen=True, slots=True)
class ListErasures:
    """Answered with the gallery's entries of the ledger."""

    gallery_id: str


@dataclass(frozen=True, slots=True)
class DeleteGallery:
    """Answered with the number of templates that went."""

    gallery_id: str


@dataclass(frozen=True, slots=True)
class Put:
    """Write points; ``vectors`` is float32 [points, dimension] as bytes. Answered with None."""

    gallery_id: str
    ids: list[str]
    payloads: list[dict[str, Any]]
    vectors: bytes


@dataclass(frozen=True, slots=True)
class MoveTemplates:
    """Put what ``put`` says and remove these ids, whole or not at all. Answered with None once it is on disk."""

    put: Put
    remove: list[str]

    @property
    def gallery_id(self) -> str:
        """Where the templates are."""
        return self.put.gallery_id


@dataclass(frozen=True, slots=True)
class Find:
    """Answered with the (id, payload) pairs of those that exist."""

    gallery_id: str
    ids: list[str]


class Nearest(NamedTuple):
    """Answered with (id as an integer, identity id, cosine similarity), nearest first."""

    gallery_id: str
    vector: bytes
    limit: int
    where: TemplateFilter


@dataclass(frozen=True, slots=True)
class NearestToEach:
    """Ask as `Nearest` for each of ``vectors``, float32 [n, dimension] as bytes, and for the nearest of its identity.

    Answered with a tuple for each, of the nearest, nearest first, and after them the one of ``identity_ids`` [n] that
    is not among them.
    """

    gallery_id: str
    identity_ids: list[str]
    vectors: bytes
    limit: int
    where: TemplateFilter


class NearestIdentities(NamedTuple):
    """Answered with (identity id, distance, id of its nearest template as an integer), nearest first."""

    gallery_id: str
    vector: bytes
    limit: int
    fusion: Fusion
    where: TemplateFilter


@dataclass(frozen=True, slots=True)
class Scan:
    """Answered with (id, payload, vector as float32 bytes), by id from ``start`` on."""

    gallery_id: str
    start: str | None
    limit: int
    where: TemplateFilter


@dataclass(frozen=True, slots=True)
class CountIdentities:
    """Answered with their number."""

    gallery_id: str


@dataclass(frozen=True, slots=True)
class ListIdentities:
    """Answered with (identity id, number of templates), by identity id."""

    gallery_id: str
    after: str
    limit: int
    where: TemplateFilter


@dataclass(frozen=True, slots=True)
class ListTemplates:
    """Answered with (id, payload) pairs."""

    gallery_id: str
    identity_id: str


@dataclass(frozen=True, slots=True)
class DeleteIdentity:
    """Answered with the number of templates that went."""

    gallery_id: str
    identity_id: str


@dataclass(frozen=True, slots=True)
class DeleteTemplate:
    """Answered with whether there was one."""

    gallery_id: str
    template_id: str


@dataclass(frozen=True, slots=True)
class DeleteExpired:
    """Answered with the number of templates that went."""

    gallery_id: str
    now: datetime


Write: TypeAlias = Put | DeleteIdentity | DeleteTemplate | DeleteExpired
Probe: TypeAlias = Nearest | NearestToEach | NearestIdentities | CountIdentities
Read: TypeAlias = Find | Probe | Scan | ListIdentities | ListTemplates
Keeping: TypeAlias = CreateGallery | UpdateGallery | DeleteGallery | CreateDraft | PublishDraft | Compact
Erasures: TypeAlias = RecordErasures | ListErasures
Request: TypeAlias = Ping | Keeping | Erasures | MoveTemplates | Write | Read


@dataclass(frozen=True, slots=True)
class Hello:
    """The process's first word: the galleries it found, and what is wrong with those it cannot read."""

    galleries: dict[str, Gallery]
    broken: dict[str, str]


class Asked(NamedTuple):
    """A request and the number its answer will carry."""

    number: int
    request: Request


class Answer(NamedTuple):
    """What came of a request."""

    number: int
    value: Any = None
    error: GalleryError | None = None
