"""What comes back up: neighbours, candidates, decisions and what they rest on."""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from gallery.domain.people import TemplateInfo
from gallery.domain.pictures import Embedding, Region
from gallery.domain.quality import Quality
from gallery.errors import GalleryError

Item = TypeVar("Item")

METRIC = "cosine"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A template near a probe, at its cosine distance."""

    template_id: uuid.UUID
    identity_id: str
    distance: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An identity near the probe: its distance by the gallery's fusion rule, and its nearest template."""

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
    """What a decision rests on. ``threshold_version`` is the gallery's, or None for the call's or the model's own.

    ``margin``: the least distance between the two nearest identities that keeps a match from being ambiguous.
    ``target_fpir``: the share of strangers that the threshold was calibrated to take for somebody, at most.
    """

    threshold: float
    threshold_source: ThresholdSource
    model_digest: str
    margin: float = 0.0
    threshold_version: int | None = None
    target_fpir: float | None = None
    metric: str = METRIC


class Outcome(StrEnum):
    """What became of a probe. Only MATCH is TRUE."""

    MATCH = "match"
    NO_MATCH = "no_match"
    AMBIGUOUS = "ambiguous"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Identification:
    """The answer for one person of a picture. ``region`` is None for the whole picture.

    ``candidates`` are the nearest identities, nearest first, each once; empty when the gallery is.
    ``margin`` is how much further the runner-up is than the nearest, None without one. ``quality`` says why the
    outcome is REJECTED.
    """

    region: Region | None
    outcome: Outcome
    candidates: tuple[Candidate, ...]
    margin: float | None
    basis: Basis
    quality: Quality

    @property
    def matched(self) -> bool:
        """TRUE or FALSE: whether the outcome is MATCH."""
        return self.outcome is Outcome.MATCH

    @property
    def identity_id(self) -> str | None:
        """Who the probe is, or None when it is no match."""
        return self.candidates[0].identity_id if self.matched else None


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer to "is this that person?": MATCH, NO_MATCH or REJECTED."""

    outcome: Outcome
    distance: float
    basis: Basis
    quality: Quality

    @property
    def matched(self) -> bool:
        """TRUE or FALSE: whether the outcome is MATCH."""
        return self.outcome is Outcome.MATCH


@dataclass(frozen=True, slots=True)
class Conflict:
    """An identity that an enrolled image lies nearer to than to its own; ``own_distance`` None for a first image."""

    identity_id: str
    distance: float
    own_distance: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The embedding of one person in a picture and the model that made it."""

    region: Region | None
    embedding: Embedding
    model_digest: str
    quality: Quality


@dataclass(frozen=True, slots=True)
class EnrolledTemplate:
    """A template after enrolment of the image at ``index``; ``created`` is False when it was enrolled before."""

    index: int
    template: TemplateInfo
    created: bool
    quality: Quality | None = None
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedImage:
    """An image, at ``index``, that could not be enrolled, and why."""

    index: int
    error: GalleryError


@dataclass(frozen=True, slots=True)
class EnrolmentResult:
    """What became of the images of one enrolment: each is in one of the two, in the order they were given."""

    templates: tuple[EnrolledTemplate, ...]
    refused: tuple[RefusedImage, ...] = ()


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a listing. ``next_page_token`` asks for the next part and is empty on the last."""

    items: tuple[Item, ...]
    next_page_token: str = ""
