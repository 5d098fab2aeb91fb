"""Who is enrolled: identities and their templates."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from gallery.domain.erasure import LedgerEntry
from gallery.domain.galleries import Gallery
from gallery.domain.pictures import NO_CONTEXT, Context, Embedding, Region

_TEMPLATE_NAMESPACE = uuid.UUID("6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11")


@dataclass(frozen=True, slots=True)
class TemplateInfo:
    """What is told about a template: everything but the embedding."""

    template_id: uuid.UUID
    identity_id: str
    model_digest: str
    image_digest: str
    enrolled_at: datetime
    region: Region | None = None
    context: Context = NO_CONTEXT
    expires_at: datetime | None = None
    move: "Move | None" = None


@dataclass(frozen=True, slots=True)
class Move:
    """The merge or split that gave a template its identity, and whose it was before: what undoing needs."""

    change_id: uuid.UUID
    from_identity_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The embedding of one enrolled image of an identity."""

    info: TemplateInfo
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Identity:
    """One person of a gallery and the templates enrolled for them, oldest first."""

    identity_id: str
    templates: tuple[TemplateInfo, ...]


@dataclass(frozen=True, slots=True)
class IdentitySummary:
    """One line of a listing."""

    identity_id: str
    template_count: int


@dataclass(frozen=True, slots=True)
class TemplateFilter:
    """Which templates count: all that fit every condition given.

    ``camera_ids`` and ``identity_ids`` empty mean any; ``captured_from`` is inclusive and ``captured_until`` exclusive;
    ``labels`` must all be there; ``alive_at`` leaves out what has expired by then.
    """

    camera_ids: tuple[str, ...] = ()
    captured_from: datetime | None = None
    captured_until: datetime | None = None
    labels: tuple[tuple[str, str], ...] = ()
    identity_ids: tuple[str, ...] = ()
    change_id: uuid.UUID | None = None
    alive_at: datetime | None = None

    def __reduce__(self) -> tuple[type["TemplateFilter"], tuple[object, ...]]:
        """Pickle without looking up the fields of a dataclass: every probe to another process carries a filter."""
        return TemplateFilter, (
            self.camera_ids,
            self.captured_from,
            self.captured_until,
            self.labels,
            self.identity_ids,
            self.change_id,
            self.alive_at,
        )


EVERYTHING = TemplateFilter()


def template_id_of(identity_id: str, image_digest: str, region: Region | None) -> uuid.UUID:
    """Name a template by identity and image content (UUIDv5), so that enrolling again changes nothing."""
    return uuid.uuid5(_TEMPLATE_NAMESPACE, f"{image_digest}|{region or 'whole'}|{identity_id}")


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Some of a gallery's templates by id, to be carried elsewhere, and what goes with them.

    The first page has the gallery's part of the ledger of erasures; the page without templates is the last.
    """

    gallery: Gallery
    erasures: tuple[LedgerEntry, ...]
    templates: tuple[Template, ...]
