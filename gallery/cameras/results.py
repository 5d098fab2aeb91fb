"""What was found out about a frame, and who is told."""

from dataclasses import dataclass, replace
from typing import Protocol

from gallery.cameras.frames import Frame
from gallery.cameras.people import Look, Seen
from gallery.domain import Identification, StreamAnswer, TrackDecision
from gallery.errors import GalleryError


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a frame: the answer for this picture of them, and the track's decision, where they have a track."""

    seen: Seen
    identification: Identification
    track: TrackDecision | None = None

    @property
    def decision(self) -> Identification:
        """What is known of the person by all that was seen of them: the track's decision, else this picture's."""
        if self.track is None:
            return self.identification
        return replace(self.track.identification, region=self.seen.region)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A frame with its people. ``people`` is None for a frame that was not asked about; ``error`` says what it met."""

    frame: Frame
    people: tuple[Person, ...] | None = None
    error: GalleryError | None = None


class Sink(Protocol):
    """Is told the results, in the order of the frames."""

    def show(self, result: Result) -> None:
        """Take the next frame's result."""
        ...

    def ended(self, track: TrackDecision) -> None:
        """Take the last decision of a track."""
        ...

    def close(self) -> None:
        """Finish what was begun; nothing comes after."""
        ...


def result_of(frame: Frame, look: Look, answer: StreamAnswer) -> Result:
    """Put the answer to a frame together with who was seen in it."""
    if answer.error is not None:
        return Result(frame, (), answer.error)
    tracks = {track.track_id: track for track in answer.tracks}
    people = zip(look.people, answer.identifications, strict=True)
    return Result(frame, tuple(Person(seen, found, tracks.get(seen.track_id)) for seen, found in people))
