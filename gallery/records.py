"""Galleries and templates as plain records: what every store keeps, and the checks before and after.

A store that reads something this module cannot have written raises StoreCorrupt instead of answering with it.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gallery.domain import MAX_DISTANCE, Embedding, Gallery, Neighbour, Region, Template, TemplateInfo
from gallery.errors import (
    GalleryAlreadyExists,
    GalleryNotFound,
    InvalidModel,
    InvalidRegion,
    ModelMismatch,
    StoreCorrupt,
)

UNIT_TOLERANCE = 1e-3
"""How far an embedding's Euclidean norm may be from 1."""


def record_of_gallery(gallery: Gallery) -> dict[str, Any]:
    """Write a gallery as a JSON object."""
    return {
        "gallery_id": gallery.gallery_id,
        "model_digest": gallery.model_digest,
        "model_name": gallery.model_name,
        "dimension": gallery.dimension,
        "created_at": _timestamp(gallery.created_at),
        "threshold": gallery.threshold,
    }


def gallery_of_record(record: object, where: str) -> Gallery:
    """Read a gallery back from `record_of_gallery`'s object; ``where`` names its place in a StoreCorrupt."""
    try:
        fields = _exactly(record, "gallery_id", "model_digest", "model_name", "dimension", "created_at", "threshold")
        threshold = fields["threshold"]
        return Gallery(
            gallery_id=_text(fields["gallery_id"]),
            model_digest=_text(fields["model_digest"]),
            model_name=_text(fields["model_name"]),
            dimension=_positive(fields["dimension"]),
            created_at=_moment(fields["created_at"]),
            threshold=None if threshold is None else _finite(threshold),
        )
    except (TypeError, ValueError) as error:
        raise StoreCorrupt(
            f"{where} is not a gallery's record ({error})",
            expected="what this version of the gallery writes",
            remedy="restore it from a backup, or use the version that wrote it",
        ) from error


def payload_of(info: TemplateInfo) -> dict[str, Any]:
    """Write what is told about a template as a point's payload; its id is the point's id."""
    region = info.region
    payload = {
        "identity_id": info.identity_id,
        "model_digest": info.model_digest,
        "image_digest": info.image_digest,
        "enrolled_at": _timestamp(info.enrolled_at),
    }
    if region is None:
        return payload
    return payload | {"region": {"x": region.x, "y": region.y, "width": region.width, "height": region.height}}


def info_of(template_id: object, payload: object, gallery: Gallery) -> TemplateInfo:
    """Read a template back from its point in ``gallery``; raises StoreCorrupt."""
    try:
        region = payload.get("region") if isinstance(payload, Mapping) else None
        names = ("identity_id", "model_digest", "image_digest", "enrolled_at", *(() if region is None else ("region",)))
        fields = _exactly(payload, *names)
        if fields["model_digest"] != gallery.model_digest:
            raise ValueError("it was made by another model than the gallery's")
        return TemplateInfo(
            template_id=uuid.UUID(str(template_id)),
            identity_id=_text(fields["identity_id"]),
            model_digest=_text(fields["model_digest"]),
            image_digest=_text(fields["image_digest"]),
            enrolled_at=_moment(fields["enrolled_at"]),
            region=None if region is None else _region(region),
        )
    except (TypeError, ValueError) as error:
        raise foreign_point(template_id, gallery.gallery_id, str(error)) from error


def neighbour_of(template_id: object, identity_id: object, similarity: float, gallery_id: str) -> Neighbour:
    """Read a search's hit back; the distance is 1 − similarity, within [0, 2] whatever the rounding."""
    try:
        distance = min(max(1.0 - similarity, 0.0), MAX_DISTANCE)
        return Neighbour(uuid.UUID(str(template_id)), _text(identity_id), distance)
    except (TypeError, ValueError) as error:
        raise foreign_point(template_id, gallery_id, str(error)) from error


def foreign_point(template_id: object, gallery_id: str, problem: str) -> StoreCorrupt:
    """Say that a point of a gallery is not one the gallery wrote."""
    return StoreCorrupt(
        f"the point {template_id} of the gallery {gallery_id!r} is not a template ({problem})",
        expected="what this version of the gallery writes",
        remedy="something else writes into the store, or it is damaged: restore it from a backup",
    )


def checked_embeddings(gallery: Gallery, templates: Sequence[Template]) -> NDArray[np.float32]:
    """Stack the templates' embeddings, float32 [templates, dimension], fit to be stored in ``gallery``.

    Raises ModelMismatch for another model's template or dimension, and InvalidModel for an embedding that is no
    finite unit vector: the engines would store it without a word.
    """
    for template in templates:
        if template.info.model_digest != gallery.model_digest:
            raise ModelMismatch(
                f"the template {template.info.template_id} was made by the model {template.info.model_digest[:12]}…",
                expected=f"{gallery.model_digest[:12]}…, the model of the gallery {gallery.gallery_id!r}",
            )
    checked = [checked_embedding(gallery, template.embedding) for template in templates]
    return np.stack(checked) if checked else np.empty((0, gallery.dimension), np.float32)


def checked_embedding(gallery: Gallery, embedding: Embedding) -> Embedding:
    """Return ``embedding`` as contiguous float32 [dimension]; raises ModelMismatch, InvalidModel."""
    vector = np.ascontiguousarray(embedding, np.float32)
    if vector.shape != (gallery.dimension,):
        raise ModelMismatch(
            f"the embedding has the shape {vector.shape}",
            expected=f"({gallery.dimension},), the dimension of the gallery {gallery.gallery_id!r}",
        )
    norm = float(np.linalg.norm(vector))
    if not abs(norm - 1.0) <= UNIT_TOLERANCE:
        raise InvalidModel(
            f"the embedding is no unit vector: its length is {norm}",
            expected="finite values of length 1",
            remedy="check the model with `gallery model check`",
        )
    return vector


def unknown_gallery(gallery_id: str) -> GalleryNotFound:
    """Say that no gallery has this id."""
    return GalleryNotFound(f"there is no gallery {gallery_id!r}", remedy="create it first", gallery_id=gallery_id)


def taken_gallery(gallery_id: str) -> GalleryAlreadyExists:
    """Say that this id has a gallery already."""
    return GalleryAlreadyExists(
        f"the gallery {gallery_id!r} exists already", remedy="use it, or choose another id", gallery_id=gallery_id
    )


def _exactly(record: object, *names: str) -> Mapping[str, Any]:
    if not isinstance(record, Mapping):
        raise TypeError("it is no object")
    if set(record) != set(names):
        raise ValueError(f"it has the fields {', '.join(sorted(map(str, record))) or '(none)'}")
    return record


def _timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with all six digits, so that the strings sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("a time has no zone")
    return moment.astimezone(UTC)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no text")
    return value


def _positive(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise TypeError(f"{value!r} is no count")
    return value


def _finite(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _region(value: object) -> Region:
    fields = _exactly(value, "x", "y", "width", "height")
    if not all(isinstance(side, int) and not isinstance(side, bool) for side in fields.values()):
        raise TypeError("a region is not in whole pixels")
    try:
        return Region(**fields)
    except InvalidRegion as error:
        raise ValueError(str(error)) from error
