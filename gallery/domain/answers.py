"""What comes back up: neighbours, candidates, decisions and what they rest on."""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from gallery.domain.people import TemplateInfo
from gallery.domain.pictures import Embedding, Region
from gallery.errors import InvalidRequest

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


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The embedding of one person in a picture and the model that made it."""

    region: Region | None
    embedding: Embedding
    model_digest: str


@dataclass(frozen=True, slots=True)
class EnrolledTemplate:
    """A template after enrolment of the image at ``index``; ``created`` is False when it was enrolled before."""

    index: int
    template: TemplateInfo
    created: bool


@dataclass(frozen=True, slots=True)
class RefusedImage:
    """An image, at ``index``, that could not be enrolled, and why."""

    index: int
    error: InvalidRequest


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
