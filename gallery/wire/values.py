"""Protobuf messages to domain values and back, one pair of functions for each kind of value.

``*_message`` writes a message, ``read_*`` reads one. Reading checks only what protobuf cannot say; the use
cases check the rest, for every caller alike.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from gallery.domain import (
    Basis,
    Candidate,
    Embedded,
    EncodedImage,
    EnrolledTemplate,
    EnrolmentResult,
    Gallery,
    Identification,
    Identity,
    IdentitySummary,
    RefusedImage,
    Region,
    TemplateInfo,
    ThresholdSource,
    Verification,
)
from gallery.errors import InvalidIdentifier, InvalidRequest
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.status import error_of, status_of

Default = TypeVar("Default")

_SOURCES = {
    ThresholdSource.REQUEST: pb.THRESHOLD_SOURCE_REQUEST,
    ThresholdSource.GALLERY: pb.THRESHOLD_SOURCE_GALLERY,
    ThresholdSource.MODEL: pb.THRESHOLD_SOURCE_MODEL,
}
_SOURCE_OF = {message: source for source, message in _SOURCES.items()}


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
    return pb.Image(content=image.content, regions=[region_message(region) for region in image.regions])


def read_image(message: pb.Image) -> EncodedImage:
    """Read an image with its regions; raises InvalidRegion."""
    return EncodedImage(message.content, tuple(read_region(region) for region in message.regions))


def basis_message(basis: Basis) -> pb.Basis:
    """Write what a decision rests on."""
    return pb.Basis(
        threshold=basis.threshold,
        threshold_source=_SOURCES[basis.threshold_source],
        metric=pb.METRIC_COSINE,
        model_digest=basis.model_digest,
    )


def read_basis(message: pb.Basis) -> Basis:
    """Read what a decision rests on."""
    return Basis(message.threshold, _SOURCE_OF[message.threshold_source], message.model_digest)


def gallery_message(gallery: Gallery) -> pb.Gallery:
    """Write a gallery."""
    return pb.Gallery(
        gallery_id=gallery.gallery_id,
        model_name=gallery.model_name,
        model_digest=gallery.model_digest,
        dimension=gallery.dimension,
        create_time=_timestamp(gallery.created_at),
        threshold=gallery.threshold,
    )


def read_gallery(message: pb.Gallery) -> Gallery:
    """Read a gallery."""
    return Gallery(
        gallery_id=message.gallery_id,
        model_digest=message.model_digest,
        model_name=message.model_name,
        dimension=message.dimension,
        created_at=message.create_time.ToDatetime(tzinfo=UTC),
        threshold=message.threshold if message.HasField("threshold") else None,
    )


def template_message(info: TemplateInfo) -> pb.Template:
    """Write what is told of a template."""
    return pb.Template(
        template_id=str(info.template_id),
        identity_id=info.identity_id,
        model_digest=info.model_digest,
        image_digest=info.image_digest,
        region=_optional_region_message(info.region),
        enroll_time=_timestamp(info.enrolled_at),
    )


def read_template(message: pb.Template) -> TemplateInfo:
    """Read what is told of a template."""
    return TemplateInfo(
        template_id=UUID(message.template_id),
        identity_id=message.identity_id,
        model_digest=message.model_digest,
        image_digest=message.image_digest,
        enrolled_at=message.enroll_time.ToDatetime(tzinfo=UTC),
        region=_read_optional_region(message),
    )


def enroll_message(result: EnrolmentResult) -> pb.EnrollResponse:
    """Write what became of each image of an enrolment, in their order."""
    outcomes = {
        enrolled.index: pb.EnrollResult(
            template=pb.EnrolledTemplate(template=template_message(enrolled.template), created=enrolled.created)
        )
        for enrolled in result.templates
    }
    outcomes |= {refused.index: pb.EnrollResult(error=status_of(refused.error)) for refused in result.refused}
    return pb.EnrollResponse(results=[outcomes[index] for index in sorted(outcomes)])


def read_enroll(message: pb.EnrollResponse) -> EnrolmentResult:
    """Read what became of each image of an enrolment."""
    templates, refused = [], []
    for index, outcome in enumerate(message.results):
        if outcome.HasField("template"):
            enrolled = outcome.template
            templates.append(EnrolledTemplate(index, read_template(enrolled.template), enrolled.created))
        else:
            refused.append(RefusedImage(index, _read_refusal(outcome.error)))
    return EnrolmentResult(tuple(templates), tuple(refused))


def _read_refusal(message: Status) -> InvalidRequest:
    error = error_of(message)
    return error if isinstance(error, InvalidRequest) else InvalidRequest(message.message)


def identify_message(identifications: Sequence[Identification]) -> pb.IdentifyResponse:
    """Write the answers for the people of one picture, at least one; they rest on one basis."""
    return pb.IdentifyResponse(
        identifications=[
            pb.Identification(
                region=_optional_region_message(person.region),
                matched=person.matched,
                candidates=[
                    pb.Candidate(
                        identity_id=near.identity_id, distance=near.distance, template_id=str(near.template_id)
                    )
                    for near in person.candidates
                ],
            )
            for person in identifications
        ],
        basis=basis_message(identifications[0].basis),
    )


def read_identify(message: pb.IdentifyResponse) -> tuple[Identification, ...]:
    """Read the answers for the people of one picture."""
    basis = read_basis(message.basis)
    return tuple(
        Identification(
            region=_read_optional_region(person),
            matched=person.matched,
            candidates=tuple(
                Candidate(near.identity_id, near.distance, UUID(near.template_id)) for near in person.candidates
            ),
            basis=basis,
        )
        for person in message.identifications
    )


def verify_message(verification: Verification) -> pb.VerifyResponse:
    """Write whether two are one person."""
    return pb.VerifyResponse(
        matched=verification.matched, distance=verification.distance, basis=basis_message(verification.basis)
    )


def read_verify(message: pb.VerifyResponse) -> Verification:
    """Read whether two are one person."""
    return Verification(message.matched, message.distance, read_basis(message.basis))


def embed_message(embedded: Sequence[Embedded]) -> pb.EmbedResponse:
    """Write the embeddings of the people of one picture, at least one."""
    return pb.EmbedResponse(
        embeddings=[
            pb.Embedding(region=_optional_region_message(person.region), values=person.embedding.tolist())
            for person in embedded
        ],
        model_digest=embedded[0].model_digest,
    )


def read_embed(message: pb.EmbedResponse) -> tuple[Embedded, ...]:
    """Read the embeddings of the people of one picture."""
    return tuple(
        Embedded(_read_optional_region(person), np.array(person.values, np.float32), message.model_digest)
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


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment.astimezone(UTC))
    return timestamp
