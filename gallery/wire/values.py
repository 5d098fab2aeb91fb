"""Protobuf messages to domain values and back, one pair of functions for each kind of value.

``*_message`` writes a message, ``read_*`` reads one. Reading checks only what protobuf cannot say; the use
cases check the rest, for every caller alike.
"""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from gallery.domain import (
    EVERYTHING,
    NO_CONTEXT,
    Basis,
    Candidate,
    Context,
    Embedded,
    EncodedImage,
    Identification,
    Identity,
    IdentitySummary,
    Outcome,
    Quality,
    QualityReason,
    Region,
    TemplateFilter,
    TemplateInfo,
    ThresholdSource,
    Verification,
    checked_filter,
)
from gallery.errors import InvalidIdentifier
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.keeping import enum_message, read_enum
from gallery.wire.moments import moment_of, timestamp_of

_MEASURES = ("width", "height", "sharpness", "brightness", "contrast", "strangeness")


def read_or(value: int, default: int) -> int:
    """Read a number whose 0 means ``default``, as the comments of the proto say of sizes and limits."""
    return default if value == 0 else value


def read_template_id(text: str) -> UUID:
    """Read a UUID; raises InvalidIdentifier."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidIdentifier(
            f"the template id {text[:40]!r} is no UUID", expected="a template_id as GetIdentity lists it"
        ) from None


def region_message(region: Region) -> pb.Region:
    """Write a region."""
    return pb.Region(x=region.x, y=region.y, width=region.width, height=region.height)


def _optional_region_message(region: Region | None) -> pb.Region | None:
    return None if region is None else region_message(region)


def read_region(message: pb.Region) -> Region:
    """Read a region; raises InvalidRegion when it is empty."""
    return Region(message.x, message.y, message.width, message.height)


def _read_optional_region(owner: pb.Template | pb.Identification | pb.Embedding) -> Region | None:
    return read_region(owner.region) if owner.HasField("region") else None


def image_message(image: EncodedImage) -> pb.Image:
    """Write an image with its regions."""
    return pb.Image(
        content=image.content,
        regions=[region_message(region) for region in image.regions],
        context=_context_message(image.context),
    )


def read_image(message: pb.Image) -> EncodedImage:
    """Read an image with its regions; raises InvalidRegion, InvalidParameter."""
    context = _read_context(message.context) if message.HasField("context") else NO_CONTEXT
    return EncodedImage(message.content, tuple(read_region(region) for region in message.regions), context)


def _context_message(context: Context) -> pb.Context | None:
    if context == NO_CONTEXT:
        return None
    return pb.Context(
        camera_id=context.camera_id,
        capture_time=None if context.captured_at is None else timestamp_of(context.captured_at),
        labels=dict(context.labels),
    )


def _read_context(message: pb.Context) -> Context:
    captured_at = moment_of(message.capture_time) if message.HasField("capture_time") else None
    return Context.of(message.camera_id if message.camera_id else None, captured_at, dict(message.labels))


def filter_message(where: TemplateFilter) -> pb.TemplateFilter | None:
    """Write which templates count; everything is an absent message."""
    if where == EVERYTHING:
        return None
    return pb.TemplateFilter(
        camera_ids=where.camera_ids,
        captured_from=None if where.captured_from is None else timestamp_of(where.captured_from),
        captured_until=None if where.captured_until is None else timestamp_of(where.captured_until),
        labels=dict(where.labels),
    )


def read_filter(message: pb.TemplateFilter) -> TemplateFilter:
    """Read which templates count; an absent message reads as everything. Raises InvalidParameter."""
    return checked_filter(
        TemplateFilter(
            camera_ids=tuple(message.camera_ids),
            captured_from=moment_of(message.captured_from) if message.HasField("captured_from") else None,
            captured_until=moment_of(message.captured_until) if message.HasField("captured_until") else None,
            labels=tuple(sorted(message.labels.items())),
        )
    )


def quality_message(quality: Quality) -> pb.Quality:
    """Write what was measured of a picture."""
    return pb.Quality(
        **{name: getattr(quality, name) for name in _MEASURES},
        reasons=[enum_message(reason, "QUALITY_REASON") for reason in quality.reasons],
    )


def read_quality(message: pb.Quality) -> Quality:
    """Read what was measured of a picture."""
    measured = {name: getattr(message, name) for name in _MEASURES}
    if not message.HasField("strangeness"):
        measured["strangeness"] = None
    reasons = tuple(
        read_enum(reason, QualityReason, "QUALITY_REASON", pb.QualityReason.Name) for reason in message.reasons
    )
    return Quality(**measured, reasons=reasons)


def basis_message(basis: Basis) -> pb.Basis:
    """Write what a decision rests on."""
    return pb.Basis(
        threshold=basis.threshold,
        threshold_source=enum_message(basis.threshold_source, "THRESHOLD_SOURCE"),
        metric=pb.METRIC_COSINE,
        model_digest=basis.model_digest,
        margin=basis.margin,
        threshold_version=basis.threshold_version,
        target_fpir=basis.target_fpir,
    )


def read_basis(message: pb.Basis) -> Basis:
    """Read what a decision rests on."""
    return Basis(
        threshold=message.threshold,
        threshold_source=read_enum(
            message.threshold_source, ThresholdSource, "THRESHOLD_SOURCE", pb.ThresholdSource.Name
        ),
        model_digest=message.model_digest,
        margin=message.margin,
        threshold_version=message.threshold_version if message.HasField("threshold_version") else None,
        target_fpir=message.target_fpir if message.HasField("target_fpir") else None,
    )


def template_message(info: TemplateInfo) -> pb.Template:
    """Write what is told of a template."""
    return pb.Template(
        template_id=str(info.template_id),
        identity_id=info.identity_id,
        model_digest=info.model_digest,
        image_digest=info.image_digest,
        region=_optional_region_message(info.region),
        enroll_time=timestamp_of(info.enrolled_at),
        context=_context_message(info.context),
        expire_time=None if info.expires_at is None else timestamp_of(info.expires_at),
    )


def read_template(message: pb.Template) -> TemplateInfo:
    """Read what is told of a template; whose it was before a merge or split stays in the store."""
    return TemplateInfo(
        template_id=UUID(message.template_id),
        identity_id=message.identity_id,
        model_digest=message.model_digest,
        image_digest=message.image_digest,
        enrolled_at=moment_of(message.enroll_time),
        region=_read_optional_region(message),
        context=_read_context(message.context) if message.HasField("context") else NO_CONTEXT,
        expires_at=moment_of(message.expire_time) if message.HasField("expire_time") else None,
    )


def identify_message(identifications: Sequence[Identification]) -> pb.IdentifyResponse:
    """Write the answers for the people of one picture, at least one; they rest on one basis."""
    return pb.IdentifyResponse(
        identifications=map(identification_message, identifications), basis=basis_message(identifications[0].basis)
    )


def identification_message(person: Identification) -> pb.Identification:
    """Write the answer for one person, without what it rests on."""
    return pb.Identification(
        region=_optional_region_message(person.region),
        matched=person.matched,
        candidates=[
            pb.Candidate(identity_id=near.identity_id, distance=near.distance, template_id=str(near.template_id))
            for near in person.candidates
        ],
        outcome=enum_message(person.outcome, "OUTCOME"),
        margin=person.margin,
        quality=quality_message(person.quality),
    )


def read_identify(message: pb.IdentifyResponse) -> tuple[Identification, ...]:
    """Read the answers for the people of one picture."""
    basis = read_basis(message.basis)
    return tuple(read_identification(person, basis) for person in message.identifications)


def read_identification(message: pb.Identification, basis: Basis) -> Identification:
    """Read the answer for one person."""
    return Identification(
        region=_read_optional_region(message),
        outcome=_read_outcome(message.outcome),
        candidates=tuple(
            Candidate(near.identity_id, near.distance, UUID(near.template_id)) for near in message.candidates
        ),
        margin=message.margin if message.HasField("margin") else None,
        basis=basis,
        quality=read_quality(message.quality),
    )


def verify_message(verification: Verification) -> pb.VerifyResponse:
    """Write whether two are one person."""
    return pb.VerifyResponse(
        matched=verification.matched,
        distance=verification.distance,
        basis=basis_message(verification.basis),
        outcome=enum_message(verification.outcome, "OUTCOME"),
        quality=quality_message(verification.quality),
    )


def read_verify(message: pb.VerifyResponse) -> Verification:
    """Read whether two are one person."""
    basis, quality = read_basis(message.basis), read_quality(message.quality)
    return Verification(_read_outcome(message.outcome), message.distance, basis, quality)


def embed_message(embedded: Sequence[Embedded]) -> pb.EmbedResponse:
    """Write the embeddings of the people of one picture, at least one."""
    return pb.EmbedResponse(
        embeddings=[
            pb.Embedding(
                region=_optional_region_message(person.region),
                values=person.embedding.tolist(),
                quality=quality_message(person.quality),
            )
            for person in embedded
        ],
        model_digest=embedded[0].model_digest,
    )


def read_embed(message: pb.EmbedResponse) -> tuple[Embedded, ...]:
    """Read the embeddings of the people of one picture."""
    return tuple(
        Embedded(
            region=_read_optional_region(person),
            embedding=np.array(person.values, np.float32),
            model_digest=message.model_digest,
            quality=read_quality(person.quality),
        )
        for person in message.embeddings
    )


def identity_message(identity: Identity) -> pb.GetIdentityResponse:
    """Write an identity and its templates."""
    return pb.GetIdentityResponse(
        identity_id=identity.identity_id, templates=[template_message(info) for info in identity.templates]
    )


def read_identity(message: pb.GetIdentityResponse) -> Identity:
    """Read an identity and its templates."""
    return Identity(message.identity_id, tuple(read_template(info) for info in message.templates))


def summary_message(summary: IdentitySummary) -> pb.IdentitySummary:
    """Write one line of a listing."""
    return pb.IdentitySummary(identity_id=summary.identity_id, template_count=summary.template_count)


def read_summary(message: pb.IdentitySummary) -> IdentitySummary:
    """Read one line of a listing."""
    return IdentitySummary(message.identity_id, message.template_count)


def _read_outcome(value: int) -> Outcome:
    return read_enum(value, Outcome, "OUTCOME", pb.Outcome.Name)
