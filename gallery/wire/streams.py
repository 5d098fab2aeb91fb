"""A camera's stream on the wire: probes, ends of tracks and their answers, as messages and back."""

from google.rpc import status_pb2

from gallery.domain import EndTrack, StreamAnswer, StreamItem, StreamProbe, TemplateFilter, TrackDecision
from gallery.errors import CallFailed, InvalidRequest
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire import values
from gallery.wire.moments import moment_of, timestamp_of
from gallery.wire.status import error_of


def options_message(
    gallery_id: str, *, max_candidates: int, threshold: float | None, where: TemplateFilter
) -> pb.IdentifyStreamRequest:
    """Write the first message of a stream."""
    options = pb.IdentifyStreamOptions(
        gallery_id=gallery_id,
        max_candidates=max_candidates,
        threshold=threshold,
        filter=values.filter_message(where),
    )
    return pb.IdentifyStreamRequest(options=options)


def item_message(item: StreamItem) -> pb.IdentifyStreamRequest:
    """Write a probe or the end of a track."""
    if isinstance(item, EndTrack):
        return pb.IdentifyStreamRequest(end_track=pb.EndTrack(item_id=item.item_id, track_id=item.track_id))
    image = values.image_message(item.image)
    return pb.IdentifyStreamRequest(probe=pb.StreamProbe(item_id=item.item_id, image=image, track_ids=item.track_ids))


def item_id_of(message: pb.IdentifyStreamRequest) -> str:
    """Read only whose answer it will be; raises InvalidRequest for what is no item."""
    match message.WhichOneof("message"):
        case "probe":
            return message.probe.item_id
        case "end_track":
            return message.end_track.item_id
        case "options":
            raise InvalidRequest("the stream has options already", expected="a probe or an end_track")
        case _:
            raise InvalidRequest("the message is empty", expected="a probe or an end_track")


def read_item(message: pb.IdentifyStreamRequest) -> StreamItem:
    """Read a probe or the end of a track; raises InvalidRegion, InvalidParameter."""
    if message.HasField("end_track"):
        return EndTrack(message.end_track.item_id, message.end_track.track_id)
    probe = message.probe
    return StreamProbe(probe.item_id, values.read_image(probe.image), tuple(probe.track_ids))


def answer_message(answer: StreamAnswer) -> pb.IdentifyStreamResponse:
    """Write the answer to an item that was not refused."""
    people = [*answer.identifications, *(track.identification for track in answer.tracks)]
    response = pb.IdentifyResponse(
        identifications=map(values.identification_message, answer.identifications),
        basis=values.basis_message(people[0].basis) if people else None,
    )
    return pb.IdentifyStreamResponse(
        item_id=answer.item_id, response=response, tracks=map(_track_message, answer.tracks)
    )


def refusal_message(item_id: str, status: status_pb2.Status) -> pb.IdentifyStreamResponse:
    """Write why an item has no answer."""
    return pb.IdentifyStreamResponse(item_id=item_id, error=status)


def read_answer(message: pb.IdentifyStreamResponse) -> StreamAnswer:
    """Read what became of an item."""
    if message.HasField("error"):
        error = error_of(message.error) or CallFailed(f"the item failed: {message.error.message}")
        return StreamAnswer(message.item_id, error=error)
    basis = values.read_basis(message.response.basis) if message.response.HasField("basis") else None
    tracks = (
        ()
        if basis is None
        else tuple(
            TrackDecision(
                track.track_id,
                values.read_identification(track.identification, basis),
                track.image_count,
                moment_of(track.stable_time) if track.HasField("stable_time") else None,
            )
            for track in message.tracks
        )
    )
    people = () if basis is None else values.read_identify(message.response)
    return StreamAnswer(message.item_id, people, tracks)


def _track_message(track: TrackDecision) -> pb.TrackDecision:
    return pb.TrackDecision(
        track_id=track.track_id,
        identification=values.identification_message(track.identification),
        image_count=track.image_count,
        stable_time=None if track.stable_since is None else timestamp_of(track.stable_since),
    )
