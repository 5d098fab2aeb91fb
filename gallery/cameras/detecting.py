"""People found by a detector and followed from frame to frame."""

from typing import Protocol

from gallery.cameras.frames import Frame
from gallery.cameras.people import Look, Seen
from gallery.cameras.tracker import IouTracker
from gallery.domain import Pixels, Region


class Detector(Protocol):
    """Says where people are."""

    def people(self, frame: Pixels) -> list[Region]:
        """Find the people of uint8 BGR [height, width, 3]."""
        ...


class Detecting:
    """A `Finder` of a detector and a tracker, which gives the boxes their track ids."""

    def __init__(self, detector: Detector, tracker: IouTracker) -> None:
        self._detector = detector
        self._tracker = tracker

    def look(self, frame: Frame) -> Look:
        """Detect, and follow."""
        regions = self._detector.people(frame.pixels)
        names, ended = self._tracker.update(regions)
        return Look(tuple(map(Seen, regions, names)), tuple(ended))

    def finish(self) -> tuple[str, ...]:
        """End all tracks."""
        return tuple(self._tracker.finish())
