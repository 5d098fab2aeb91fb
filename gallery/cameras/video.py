"""Results drawn into a video: box, identity, distance, TRUE or FALSE, at the source's frame rate."""

from pathlib import Path

import cv2
import numpy as np

from gallery.annotation import annotate
from gallery.cameras.results import Person, Result
from gallery.domain import Pixels, TrackDecision
from gallery.errors import InvalidParameter

_CODECS = {".mp4": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
_LONGEST_GAP = 1.0  # seconds; a longer gap between frames is shortened to this


class AnnotatedVideo:
    """A `Sink` that writes a video of a constant rate.

    A frame that was not asked about shows the people of the one before; where frames are missing, the last one stays,
    for a second at most, so that the video keeps the source's pace.
    """

    def __init__(self, path: Path, rate: float) -> None:
        """Begin a file with the first frame; raises InvalidParameter for a name that is no video's."""
        checked_video(path)
        self._path = path
        self._rate = rate
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0
        self._skipped = 0.0
        self._people: tuple[Person, ...] = ()
        self._last: Pixels | None = None

    def show(self, result: Result) -> None:
        """Draw and write a frame; raises InvalidParameter when the file cannot be written."""
        if result.people is not None:
            self._people = result.people
        rgb = np.asarray(cv2.cvtColor(result.frame.pixels, cv2.COLOR_BGR2RGB), np.uint8)
        drawn = cv2.cvtColor(annotate(rgb, [person.decision for person in self._people]), cv2.COLOR_RGB2BGR)
        self._put(np.asarray(drawn, np.uint8), result.frame.seconds)

    def ended(self, track: TrackDecision) -> None:
        """Draw nothing: the person is gone."""

    def close(self) -> None:
        """Finish the file, so that players can read it."""
        if self._writer is not None:
            self._writer.release()

    def _put(self, pixels: Pixels, seconds: float) -> None:
        place = round((seconds - self._skipped) * self._rate)
        longest = self._written + max(1, round(_LONGEST_GAP * self._rate))
        if place > longest:
            self._skipped += (place - longest) / self._rate
            place = longest
        writer = self._begun(pixels)
        while self._last is not None and self._written < place:
            writer.write(self._last)
            self._written += 1
        if self._written > place:  # a camera that is faster than it says
            return
        self._last = self._fitting(pixels)
        writer.write(self._last)
        self._written += 1

    def _begun(self, pixels: Pixels) -> cv2.VideoWriter:
        if self._writer is None:
            # encoders of 4:2:0 want even sides
            self._size = (max(2, pixels.shape[1] // 2 * 2), max(2, pixels.shape[0] // 2 * 2))
            codec = cv2.VideoWriter.fourcc(*_CODECS[self._path.suffix.lower()])
            self._writer = cv2.VideoWriter(str(self._path.absolute()), cv2.CAP_FFMPEG, codec, self._rate, self._size)
            if not self._writer.isOpened():
                raise InvalidParameter(
                    f"the video {self._path} cannot be written", expected="a folder that exists and can be written to"
                )
        return self._writer

    def _fitting(self, pixels: Pixels) -> Pixels:
        if (pixels.shape[1], pixels.shape[0]) == self._size:
            return pixels
        return np.asarray(cv2.resize(pixels, self._size, interpolation=cv2.INTER_AREA), np.uint8)


def checked_video(path: Path) -> Path:
    """Return ``path``, or raise InvalidParameter where its name says no container that can be written."""
    if path.suffix.lower() not in _CODECS:
        raise InvalidParameter(
            f"no video can be written as {path.name}", expected="a name that ends in .mp4, .mkv or .avi"
        )
    return path
