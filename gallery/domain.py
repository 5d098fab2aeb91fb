"""The words of the gallery as frozen values: what goes down the floors and what comes back up.

Distances are cosine distances, ``1 - cos``, in [0, 2]; smaller is nearer, and they are never probabilities.
Embeddings are unit-length float32 vectors of shape ``[dimension]``.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from gallery.errors import InvalidIdentifier, InvalidParameter, InvalidRegion

Embedding: TypeAlias = NDArray[np.float32]
Pixels: TypeAlias = NDArray[np.uint8]

Item = TypeVar("Item")

METRIC = "cosine"
MAX_DISTANCE = 2.0
MAX_IDENTITY_ID_LENGTH = 256

_GALLERY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_TEMPLATE_NAMESPACE = uuid.UUID("6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11")


@dataclass(frozen=True, slots=True)
class Region:
    """A pixel box in an upright picture: ``x`` to the right, ``y`` down, from the top left corner."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse an empty or negative box with InvalidRegion."""
        if self.x < 0 or self.y < 0 or self.width <= 0 or self.height <= 0:
            raise InvalidRegion(
                f"the region {self} is empty or begins outside the picture",
                expected="x >= 0, y >= 0, width > 0 and height > 0, in pixels",
            )

    def __str__(self) -> str:
        """Write the box as a person would: width×height+x+y."""
        return f"{self.width}x{self.height}+{self.x}+{self.y}"


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture as it was sent (JPEG, PNG, …) and the people in it; no regions means the whole picture."""

    content: bytes
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class Gallery:
    """A named set of identities, all embedded by one model. ``threshold`` None means the model's default."""

    gallery_id: str
    model_digest: str
    model_name: str
    dimension: int
    created_at: datetime
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class TemplateInfo:
    """What is told about a template: everything but the embedding."""

    template_id: uuid.UUID
    identity_id: str
    model_digest: str
    image_digest: str
    enrolled_at: datetime
    region: Region | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The embedding of one enrolled image of an identity."""

    info: TemplateInfo
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A template near a probe, at its cosine distance."""

    template_id: uuid.UUID
    identity_id: str
    distance: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An identity near the probe: its distance and the template that decided it."""

    identity_id: str
    distance: float
    template_id: uuid.UUID


class ThresholdSource(StrEnum):
    """Where the threshold of a decision came from; the request overrides the gallery, the gallery the model."""

    REQUEST = "request"
    GALLERY = "gallery"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision rests on: ``matched = distance <= threshold``."""

    threshold: float
    threshold_source: ThresholdSource
    model_digest: str
    metric: str = METRIC


@dataclass(frozen=True, slots=True)
class Identification:
    """The answer for one person of a picture. ``region`` is None for the whole picture.

    ``candidates`` are the nearest identities, nearest first, each once; empty when the gallery is.
    """

    region: Region | None
    matched: bool
    candidates: tuple[Candidate, ...]
    basis: Basis

    @property
    def identity_id(self) -> str | None:
        """Who the probe is, or None when nobody is within the threshold."""
        return self.candidates[0].identity_id if self.matched else None


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer to 'is this that person?'."""

    matched: bool
    distance: float
    basis: Basis


@dataclass(frozen=True, slots=True)
class EnrolledTemplate:
    """A template after enrolment; ``created`` is False when the same image was enrolled before."""

    template: TemplateInfo
    created: bool


@dataclass(frozen=True, slots=True)
class IdentitySummary:
    """One line of a listing."""

    identity_id: str
    template_count: int


@dataclass(frozen=True, slots=True)
class Identity:
    """One person of a gallery and the templates enrolled for them, oldest first."""

    identity_id: str
    templates: tuple[TemplateInfo, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The embedding of one person in a picture and the model that made it."""

    region: Region | None
    embedding: Embedding
    model_digest: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a listing. ``next_page_token`` asks for the next part and is empty on the last."""

    items: tuple[Item, ...]
    next_page_token: str = ""


def template_id_of(identity_id: str, image_digest: str, region: Region | None) -> uuid.UUID:
    """Name a template by identity and image content (UUIDv5), so that enrolling again changes nothing."""
    return uuid.uuid5(_TEMPLATE_NAMESPACE, f"{image_digest}|{region or 'whole'}|{identity_id}")


def checked_gallery_id(gallery_id: str) -> str:
    """Return ``gallery_id``, or raise InvalidIdentifier: it becomes a folder's and a collection's name."""
    if not _GALLERY_ID.fullmatch(gallery_id):
        raise InvalidIdentifier(
            f"the gallery id {gallery_id!r} cannot be used",
            expected="1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or digit",
        )
    return gallery_id


def checked_identity_id(identity_id: str) -> str:
    """Return ``identity_id``, or raise InvalidIdentifier: it is the caller's own key, shown in answers."""
    if not 0 < len(identity_id) <= MAX_IDENTITY_ID_LENGTH or not identity_id.isprintable():
        raise InvalidIdentifier(
            f"the identity id {identity_id[:40]!r} cannot be used",
            expected=f"1 to {MAX_IDENTITY_ID_LENGTH} printable characters",
        )
    return identity_id


def checked_threshold(threshold: float) -> float:
    """Return ``threshold``, or raise InvalidParameter when it is no cosine distance (NaN included)."""
    if not 0.0 <= threshold <= MAX_DISTANCE:
        raise InvalidParameter(
            f"the threshold {threshold} is no cosine distance", expected="a number from 0 to 2; smaller is stricter"
        )
    return threshold
