"""What goes through streams: a camera's probes and their answers, the items of a bulk enrolment and theirs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from gallery.domain.answers import EnrolledTemplate, Identification
from gallery.domain.pictures import EncodedImage
from gallery.errors import GalleryError


class Lane(StrEnum):
    """How an image waits to be embedded.

    UNARY is refused at once when the queue is full; STREAM waits for a place, and its caller is read no further
    meanwhile; both go before BULK, which waits too and takes what they leave, but never less than a share.
    """

    UNARY = "unary"
    STREAM = "stream"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class StreamProbe:
    """A frame or crop of a camera's stream.

    ``item_id`` is the caller's, and its answer has it too. ``track_ids``: none, or one for each region (or the whole
    picture), in order; an empty one means no track.
    """

    item_id: str
    image: EncodedImage
    track_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndTrack:
    """Somebody left the view: the track's decision is told for the last time, and it is forgotten."""

    item_id: str
    track_id: str


StreamItem: TypeAlias = StreamProbe | EndTrack
"""What a camera's stream is made of."""


@dataclass(frozen=True, slots=True)
class TrackDecision:
    """Who the person of a track is, by all ``image_count`` images of it that could be judged.

    ``stable_since``: when the decision became what it is, if it stayed so for several images; else None.
    """

    track_id: str
    identification: Identification
    image_count: int
    stable_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """What became of a probe or the end of a track: answers, one for each region, or the ``error`` it met alone."""

    item_id: str
    identifications: tuple[Identification, ...] = ()
    tracks: tuple[TrackDecision, ...] = ()
    error: GalleryError | None = None


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One image of a bulk enrolment, of one person; ``item_id`` is the caller's, and its result has it too."""

    item_id: str
    identity_id: str
    image: EncodedImage


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of a bulk item: its durable ``template``, or the ``error`` it was refused with; one of the two."""

    item_id: str
    template: EnrolledTemplate | None = None
    error: GalleryError | None = None
