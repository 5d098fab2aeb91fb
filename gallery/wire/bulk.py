"""A bulk enrolment on the wire: its items and what became of each, as messages and back."""

from gallery.domain import BulkItem, BulkResult
from gallery.errors import InvalidParameter, InvalidRegion, InvalidRequest
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire import values
from gallery.wire.enrolment import enrolled_message, read_enrolled, read_refusal
from gallery.wire.status import status_of


def options_message(gallery_id: str) -> pb.BulkEnrollRequest:
    """Write the first message."""
    return pb.BulkEnrollRequest(options=pb.BulkEnrollOptions(gallery_id=gallery_id))


def read_gallery_id(message: pb.BulkEnrollRequest) -> str:
    """Read the first message; raises InvalidRequest."""
    if not message.HasField("options"):
        raise InvalidRequest("the stream has no options", expected="options in the first message")
    return message.options.gallery_id


def item_message(item: BulkItem) -> pb.BulkEnrollRequest:
    """Write an item."""
    image = values.image_message(item.image)
    return pb.BulkEnrollRequest(item=pb.BulkEnrollItem(item_id=item.item_id, identity_id=item.identity_id, image=image))


def read_item(message: pb.BulkEnrollRequest) -> BulkItem | BulkResult:
    """Read an item, or that its region or time is refused; raises InvalidRequest for what is no item."""
    match message.WhichOneof("message"):
        case "item":
            item = message.item
        case "options":
            raise InvalidRequest("the stream has options already", expected="an item")
        case _:
            raise InvalidRequest("the message is empty", expected="an item")
    try:
        return BulkItem(item.item_id, item.identity_id, values.read_image(item.image))
    except (InvalidRegion, InvalidParameter) as error:
        return BulkResult(item.item_id, error=error)


def result_message(result: BulkResult) -> pb.BulkEnrollResponse:
    """Write what became of an item."""
    return pb.BulkEnrollResponse(
        item_id=result.item_id,
        template=None if result.template is None else enrolled_message(result.template),
        error=None if result.error is None else status_of(result.error),
    )


def read_result(message: pb.BulkEnrollResponse) -> BulkResult:
    """Read what became of an item."""
    if message.HasField("error"):
        return BulkResult(message.item_id, error=read_refusal(message.error))
    return BulkResult(message.item_id, template=read_enrolled(0, message.template))
