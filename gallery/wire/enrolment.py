"""What became of the images of an enrolment, as protobuf and back."""

from google.rpc.status_pb2 import Status

from gallery.domain import Conflict, EnrolledTemplate, EnrolmentResult, RefusedImage
from gallery.errors import GalleryError, InvalidRequest
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.status import error_of, status_of
from gallery.wire.values import quality_message, read_quality, read_template, template_message


def enroll_message(result: EnrolmentResult) -> pb.EnrollResponse:
    """Write what became of each image of an enrolment, in their order."""
    outcomes = {enrolled.index: pb.EnrollResult(template=enrolled_message(enrolled)) for enrolled in result.templates}
    outcomes |= {refused.index: pb.EnrollResult(error=status_of(refused.error)) for refused in result.refused}
    return pb.EnrollResponse(results=[outcomes[index] for index in sorted(outcomes)])


def read_enroll(message: pb.EnrollResponse) -> EnrolmentResult:
    """Read what became of each image of an enrolment."""
    templates, refused = [], []
    for index, outcome in enumerate(message.results):
        if outcome.HasField("template"):
            templates.append(read_enrolled(index, outcome.template))
        else:
            refused.append(RefusedImage(index, read_refusal(outcome.error)))
    return EnrolmentResult(tuple(templates), tuple(refused))


def enrolled_message(enrolled: EnrolledTemplate) -> pb.EnrolledTemplate:
    """Write what became of an image that is enrolled."""
    return pb.EnrolledTemplate(
        template=template_message(enrolled.template),
        created=enrolled.created,
        quality=None if enrolled.quality is None else quality_message(enrolled.quality),
        conflicts=[
            pb.Conflict(identity_id=near.identity_id, distance=near.distance, own_distance=near.own_distance)
            for near in enrolled.conflicts
        ],
    )


def read_enrolled(index: int, message: pb.EnrolledTemplate) -> EnrolledTemplate:
    """Read what became of the image at ``index``, which is enrolled."""
    return EnrolledTemplate(
        index=index,
        template=read_template(message.template),
        created=message.created,
        quality=read_quality(message.quality) if message.HasField("quality") else None,
        conflicts=tuple(
            Conflict(near.identity_id, near.distance, near.own_distance if near.HasField("own_distance") else None)
            for near in message.conflicts
        ),
    )


def read_refusal(message: Status) -> GalleryError:
    """Read why an image is refused."""
    error = error_of(message)
    return InvalidRequest(message.message) if error is None else error
