"""Where the people of a frame are, as whoever looks for them says."""

from dataclasses import dataclass
from typing import Protocol

from gallery.cameras.frames import Frame
from gallery.domain import Region


@dataclass(frozen=True, slots=True)
class Seen:
    """A person of a frame: a box, or None for the whole picture, and the key of the track, empty without one."""

    region: Region | None
    track_id: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in a frame: its people, and the tracks that ended with it."""

    people: tuple[Seen, ...] = ()
    ended: tuple[str, ...] = ()


class Finder(Protocol):
    """Finds people in the frames of one source, which come in order."""

    def look(self, frame: Frame) -> Look:
        """Say who is in a frame."""
        ...

    def finish(self) -> tuple[str, ...]:
        """End the tracks that are still there when the source ends."""
        ...


class WholePicture:
    """Takes every frame for one person's picture, as from a camera whose own detector cuts people out."""

    def look(self, frame: Frame) -> Look:
        """Find one person, everywhere."""
        return Look((Seen(None),))

    def finish(self) -> tuple[str, ...]:
        """End nothing."""
        return ()
