"""A gallery, the thresholds it has had and its policy as one JSON object."""

from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from gallery.domain import Fusion, Gallery, OnConflict, Policy, QualityLimits, Tail, Threshold, ThresholdOrigin
from gallery.errors import GalleryAlreadyExists, GalleryChanged, GalleryNotFound, StoreCorrupt
from gallery.records.fields import exactly, finite, instant, items, optional, positive, text, timestamp, whole

_GALLERY = ("gallery_id", "model_digest", "model_name", "dimension", "created_at", "thresholds", "policy")
_THRESHOLD = tuple(each.name for each in fields(Threshold))
_POLICY = tuple(each.name for each in fields(Policy))
_LIMITS = tuple(each.name for each in fields(QualityLimits))
_PIXELS = ("min_width", "min_height")


def record_of_gallery(gallery: Gallery) -> dict[str, Any]:
    """Write a gallery as a JSON object: moments in RFC 3339, spans in seconds, absent values as null."""
    return {
        "gallery_id": gallery.gallery_id,
        "model_digest": gallery.model_digest,
        "model_name": gallery.model_name,
        "dimension": gallery.dimension,
        "created_at": timestamp(gallery.created_at),
        "thresholds": [
            asdict(threshold) | {"origin": threshold.origin.value, "set_at": timestamp(threshold.set_at)}
            for threshold in gallery.thresholds
        ],
        "policy": _record_of_policy(gallery.policy),
    }


def gallery_of_record(record: object, where: str) -> Gallery:
    """Read a gallery back from `record_of_gallery`'s object; ``where`` names its place in a StoreCorrupt."""
    try:
        values = exactly(record, *_GALLERY)
        thresholds = tuple(_threshold(each) for each in items(values["thresholds"]))
        versions = [threshold.version for threshold in thresholds]
        if versions != sorted(set(versions)):
            raise ValueError(f"the versions of its thresholds are {versions}")
        return Gallery(
            gallery_id=text(values["gallery_id"]),
            model_digest=text(values["model_digest"]),
            model_name=text(values["model_name"]),
            dimension=positive(values["dimension"]),
            created_at=instant(values["created_at"]),
            thresholds=thresholds,
            policy=_policy(values["policy"]),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreCorrupt(
            f"{where} is not a gallery's record ({error})",
            expected="what this version of the gallery writes",
            remedy="restore it from a backup, or use the version that wrote it",
        ) from error


def unknown_gallery(gallery_id: str) -> GalleryNotFound:
    """Say that no gallery has this id."""
    return GalleryNotFound(f"there is no gallery {gallery_id!r}", remedy="create it first", gallery_id=gallery_id)


def taken_gallery(gallery_id: str) -> GalleryAlreadyExists:
    """Say that this id has a gallery already."""
    return GalleryAlreadyExists(
        f"the gallery {gallery_id!r} exists already", remedy="use it, or choose another id", gallery_id=gallery_id
    )


def changed_gallery(gallery_id: str) -> GalleryChanged:
    """Say that a gallery is not what the writer had read."""
    return GalleryChanged(
        f"the gallery {gallery_id!r} was changed meanwhile", remedy="read it and try again", gallery_id=gallery_id
    )


def _record_of_policy(policy: Policy) -> dict[str, Any]:
    lifetime = policy.template_lifetime
    return asdict(policy) | {
        "fusion": policy.fusion.value,
        "on_conflict": policy.on_conflict.value,
        "template_lifetime": None if lifetime is None else lifetime.total_seconds(),
    }


def _threshold(record: object) -> Threshold:
    values = exactly(record, *_THRESHOLD)
    return Threshold(
        version=positive(values["version"]),
        value=finite(values["value"]),
        origin=ThresholdOrigin(values["origin"]),
        set_at=instant(values["set_at"]),
        margin=finite(values["margin"]),
        target_fpir=optional(finite, values["target_fpir"]),
        low=optional(finite, values["low"]),
        high=optional(finite, values["high"]),
        identity_count=optional(whole, values["identity_count"]),
        tail=optional(_tail, values["tail"]),
    )


def _tail(record: object) -> Tail:
    values = exactly(record, "intercept", "slope")
    return Tail(finite(values["intercept"]), finite(values["slope"]))


def _policy(record: object) -> Policy:
    values = exactly(record, *_POLICY)
    return Policy(
        fusion=Fusion(values["fusion"]),
        enrolment_quality=_limits(values["enrolment_quality"]),
        probe_quality=_limits(values["probe_quality"]),
        on_conflict=OnConflict(values["on_conflict"]),
        template_lifetime=optional(_span, values["template_lifetime"]),
        recalibrate_at_growth=optional(finite, values["recalibrate_at_growth"]),
    )


def _limits(record: object) -> QualityLimits:
    values = exactly(record, *_LIMITS)
    limits: dict[str, Any] = {
        name: optional(whole if name in _PIXELS else finite, value) for name, value in values.items()
    }
    return QualityLimits(**limits)


def _span(value: object) -> timedelta:
    span = timedelta(seconds=finite(value))
    if span <= timedelta():
        raise ValueError(f"a lifetime of {value} seconds is none")
    return span
