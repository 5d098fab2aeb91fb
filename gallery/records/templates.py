"""A template as a point: what is told about it as the payload, its embedding as the vector, its id as the id."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar
from urllib.parse import unquote

import numpy as np
from numpy.typing import ArrayLike

from gallery.domain import MAX_DISTANCE, Context, Gallery, Move, Neighbour, Region, Template, TemplateInfo
from gallery.errors import InvalidModel, InvalidRegion, ModelMismatch, StoreCorrupt
from gallery.records.embeddings import checked_embedding
from gallery.records.fields import exactly, instant, items, string, text, timestamp

T = TypeVar("T")

_ALWAYS = ("identity_id", "model_digest", "image_digest", "enrolled_at")
_OFTEN = ("region", "camera_id", "captured_at", "labels", "expires_at", "move")
"""Left out where there is nothing to say, so that an index holds only what has a value."""


def payload_of(info: TemplateInfo) -> dict[str, Any]:
    """Write what is told about a template as a point's payload; its id is the point's id.

    Moments are RFC 3339 strings of one form, for a datetime index; labels are a list of `label_of`'s strings.
    """
    context = info.context
    payload: dict[str, Any] = {
        "identity_id": info.identity_id,
        "model_digest": info.model_digest,
        "image_digest": info.image_digest,
        "enrolled_at": timestamp(info.enrolled_at),
    }
    if info.region is not None:
        payload["region"] = asdict(info.region)
    if context.camera_id is not None:
        payload["camera_id"] = context.camera_id
    if context.captured_at is not None:
        payload["captured_at"] = timestamp(context.captured_at)
    if context.labels:
        payload["labels"] = [label_of(name, value) for name, value in context.labels]
    if info.expires_at is not None:
        payload["expires_at"] = timestamp(info.expires_at)
    if info.move is not None:
        payload["move"] = {"change_id": str(info.move.change_id), "from_identity_id": info.move.from_identity_id}
    return payload


def label_of(name: str, value: str) -> str:
    """Write a label as one keyword, ``name=value``; ``=`` and ``%`` in the name are percent-encoded."""
    return name.replace("%", "%25").replace("=", "%3D") + "=" + value


def info_of(template_id: object, payload: object, gallery: Gallery) -> TemplateInfo:
    """Read a template back from its point in ``gallery``; raises StoreCorrupt."""
    try:
        often = [name for name in _OFTEN if isinstance(payload, Mapping) and name in payload]
        values = exactly(payload, *_ALWAYS, *often)

        def given(name: str, read: Callable[[object], T]) -> T | None:
            return read(values[name]) if name in values else None

        if values["model_digest"] != gallery.model_digest:
            raise ValueError("it was made by another model than the gallery's")
        return TemplateInfo(
            template_id=uuid.UUID(str(template_id)),
            identity_id=text(values["identity_id"]),
            model_digest=text(values["model_digest"]),
            image_digest=text(values["image_digest"]),
            enrolled_at=instant(values["enrolled_at"]),
            region=given("region", _region),
            context=Context(
                camera_id=given("camera_id", string),
                captured_at=given("captured_at", instant),
                labels=given("labels", _labels) or (),
            ),
            expires_at=given("expires_at", instant),
            move=given("move", _move),
        )
    except (TypeError, ValueError) as error:
        raise foreign_point(template_id, gallery.gallery_id, str(error)) from error


def template_of(template_id: object, payload: object, vector: ArrayLike, gallery: Gallery) -> Template:
    """Read a template back with its embedding; raises StoreCorrupt."""
    info = info_of(template_id, payload, gallery)
    try:
        return Template(info, checked_embedding(gallery, np.asarray(vector, np.float32)))
    except (TypeError, ValueError, InvalidModel, ModelMismatch) as error:
        raise foreign_point(template_id, gallery.gallery_id, str(error)) from error


def neighbour_of(template_id: object, identity_id: object, similarity: float, gallery_id: str) -> Neighbour:
    """Read a search's hit back; the distance is 1 − similarity, within [0, 2] whatever the rounding."""
    try:
        distance = min(max(1.0 - similarity, 0.0), MAX_DISTANCE)
        known = template_id if isinstance(template_id, uuid.UUID) else uuid.UUID(str(template_id))
        return Neighbour(known, text(identity_id), distance)
    except (TypeError, ValueError) as error:
        raise foreign_point(template_id, gallery_id, str(error)) from error


def foreign_point(template_id: object, gallery_id: str, problem: str) -> StoreCorrupt:
    """Say that a point of a gallery is not one the gallery wrote."""
    return StoreCorrupt(
        f"the point {template_id} of the gallery {gallery_id!r} is not a template ({problem})",
        expected="what this version of the gallery writes",
        remedy="something else writes into the store, or it is damaged: restore it from a backup",
        gallery_id=gallery_id,
    )


def _labels(value: object) -> tuple[tuple[str, str], ...]:
    return tuple(_label(each) for each in items(value))


def _label(value: object) -> tuple[str, str]:
    name, separator, rest = string(value).partition("=")
    if not separator:
        raise ValueError(f"the label {value!r} has no value")
    return unquote(name), rest


def _move(record: object) -> Move:
    values = exactly(record, "change_id", "from_identity_id")
    return Move(uuid.UUID(text(values["change_id"])), text(values["from_identity_id"]))


def _region(value: object) -> Region:
    sides = exactly(value, "x", "y", "width", "height")
    if not all(isinstance(side, int) and not isinstance(side, bool) for side in sides.values()):
        raise TypeError("a region is not in whole pixels")
    try:
        return Region(**sides)
    except InvalidRegion as error:
        raise ValueError(str(error)) from error
