"""Who is enrolled: galleries, identities and their templates."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from gallery.domain.pictures import Embedding, Region

_TEMPLATE_NAMESPACE = uuid.UUID("6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11")


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
class Identity:
    """One person of a gallery and the templates enrolled for them, oldest first."""

    identity_id: str
    templates: tuple[TemplateInfo, ...]


@dataclass(frozen=True, slots=True)
class IdentitySummary:
    """One line of a listing."""

    identity_id: str
    template_count: int


def template_id_of(identity_id: str, image_digest: str, region: Region | None) -> uuid.UUID:
    """Name a template by identity and image content (UUIDv5), so that enrolling again changes nothing."""
    return uuid.uuid5(_TEMPLATE_NAMESPACE, f"{image_digest}|{region or 'whole'}|{identity_id}")
