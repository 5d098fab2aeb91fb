"""Galleries, their thresholds and their policy, as protobuf and back."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from gallery.domain import (
    Fusion,
    Gallery,
    OnConflict,
    Policy,
    QualityLimits,
    Threshold,
    ThresholdOrigin,
)
from gallery.errors import InvalidParameter
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.moments import duration_message, moment_of, read_duration, timestamp_of

Word = TypeVar("Word", bound=StrEnum)

_LIMITS = tuple(field.name for field in pb.QualityLimits.DESCRIPTOR.fields)


def enum_message(word: StrEnum, prefix: str) -> Any:
    """Write a word of the domain as its enum value: FUSION + best = FUSION_BEST."""
    return getattr(pb, f"{prefix}_{word.name}")


def read_enum(value: int, kind: type[Word], prefix: str, name_of: Callable[[int], str]) -> Word:
    """Read an enum value as a word of the domain; raises InvalidParameter for an unspecified or unknown one."""
    try:
        return kind[name_of(value).removeprefix(f"{prefix}_")]
    except (KeyError, ValueError):
        raise InvalidParameter(
            f"the {prefix.lower().replace('_', ' ')} {value} is not known",
            expected=", ".join(f"{prefix}_{word.name}" for word in kind),
        ) from None


def threshold_message(threshold: Threshold) -> pb.Threshold:
    """Write one version of a threshold; the tail it is corrected by stays in the store."""
    return pb.Threshold(
        version=threshold.version,
        value=threshold.value,
        origin=enum_message(threshold.origin, "THRESHOLD_ORIGIN"),
        set_time=timestamp_of(threshold.set_at),
        margin=threshold.margin,
        target_fpir=threshold.target_fpir,
        low=threshold.low,
        high=threshold.high,
        identity_count=threshold.identity_count,
    )


def read_threshold(message: pb.Threshold) -> Threshold:
    """Read one version of a threshold."""
    return Threshold(
        version=message.version,
        value=message.value,
        origin=read_enum(message.origin, ThresholdOrigin, "THRESHOLD_ORIGIN", pb.ThresholdOrigin.Name),
        set_at=moment_of(message.set_time),
        margin=message.margin,
        target_fpir=message.target_fpir if message.HasField("target_fpir") else None,
        low=message.low if message.HasField("low") else None,
        high=message.high if message.HasField("high") else None,
        identity_count=message.identity_count if message.HasField("identity_count") else None,
    )


def limits_message(limits: QualityLimits) -> pb.QualityLimits:
    """Write limits; what asks nothing is absent."""
    return pb.QualityLimits(**{name: getattr(limits, name) for name in _LIMITS})


def read_limits(message: pb.QualityLimits) -> QualityLimits:
    """Read limits; what is absent asks nothing."""
    return QualityLimits(**{name: getattr(message, name) for name in _LIMITS if message.HasField(name)})


def policy_message(policy: Policy) -> pb.Policy:
    """Write a policy."""
    lifetime = policy.template_lifetime
    return pb.Policy(
        fusion=enum_message(policy.fusion, "FUSION"),
        enrolment_quality=limits_message(policy.enrolment_quality),
        probe_quality=limits_message(policy.probe_quality),
        on_conflict=enum_message(policy.on_conflict, "ON_CONFLICT"),
        template_lifetime=None if lifetime is None else duration_message(lifetime),
        recalibrate_at_growth=policy.recalibrate_at_growth,
    )


def read_policy(message: pb.Policy) -> Policy:
    """Read a policy; what is absent or unspecified is the default. Raises InvalidParameter."""
    default = Policy()
    enrolment, probe = default.enrolment_quality, default.probe_quality
    if message.HasField("enrolment_quality"):
        enrolment = read_limits(message.enrolment_quality)
    if message.HasField("probe_quality"):
        probe = read_limits(message.probe_quality)
    return Policy(
        fusion=read_enum(message.fusion, Fusion, "FUSION", pb.Fusion.Name) if message.fusion else default.fusion,
        enrolment_quality=enrolment,
        probe_quality=probe,
        on_conflict=read_enum(message.on_conflict, OnConflict, "ON_CONFLICT", pb.OnConflict.Name)
        if message.on_conflict
        else default.on_conflict,
        template_lifetime=read_duration(message.template_lifetime) if message.HasField("template_lifetime") else None,
        recalibrate_at_growth=message.recalibrate_at_growth if message.HasField("recalibrate_at_growth") else None,
    )


def gallery_message(gallery: Gallery) -> pb.Gallery:
    """Write a gallery."""
    return pb.Gallery(
        gallery_id=gallery.gallery_id,
        model_name=gallery.model_name,
        model_digest=gallery.model_digest,
        dimension=gallery.dimension,
        create_time=timestamp_of(gallery.created_at),
        thresholds=map(threshold_message, gallery.thresholds),
        policy=policy_message(gallery.policy),
    )


def read_gallery(message: pb.Gallery) -> Gallery:
    """Read a gallery."""
    return Gallery(
        gallery_id=message.gallery_id,
        model_digest=message.model_digest,
        model_name=message.model_name,
        dimension=message.dimension,
        created_at=moment_of(message.create_time),
        thresholds=tuple(map(read_threshold, message.thresholds)),
        policy=read_policy(message.policy),
    )
