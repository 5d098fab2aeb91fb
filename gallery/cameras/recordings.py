"""Sources that wait to be read: a video file, and a folder of frames."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from gallery import images
from gallery.cameras.frames import Frame, Sampling
from gallery.domain import Pixels
from gallery.errors import InvalidImage, InvalidSource

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
USUAL_RATE = 25.0  # frames a second, where neither the source nor the user says


class Recording:
    """A video that is read to its end, frame by frame, as fast as its frames are taken."""

    live = False

    def __init__(
        self, capture: cv2.VideoCapture, name: str, sampling: Sampling, begins: datetime, rate: float | None
    ) -> None:
        """Take an opened capture; ``begins`` is when its first frame was taken, ``rate`` overrides what it says."""
        counted = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total = counted if counted > 0 else None
        self.rate = rate_of(capture, rate)
        self.unreadable = 0
        self._timed = rate is None
        self._capture = capture
        self._name = name
        self._sampling = sampling
        self._begins = begins
        self._number = 0
        self._first: float | None = None
        self._stopped = False

    def read(self) -> Frame | None:
        """Give the next frame that is wanted; raises InvalidSource where the file breaks off before its end."""
        while not self._stopped and self._capture.grab():
            number, seconds = self._number, self._seconds()
            self._number += 1
            if not self._sampling.wants(number):
                continue
            decoded, pixels = self._capture.retrieve()
            if not decoded:
                self.unreadable += 1
                continue
            taken = self._begins + timedelta(seconds=seconds)
            return Frame(number, seconds, taken, np.asarray(pixels, np.uint8), self._sampling.asks(number))
        if not self._stopped and self.total is not None and self._number < self.total - max(2, self.total // 100):
            raise InvalidSource(
                f"{self._name} breaks off after {self._number} of its {self.total} frames",
                expected="a whole video file",
                remedy="what was read until then is answered; copy or convert the file again for the rest",
            )
        return None

    def stop(self) -> None:
        """End after the frame that is being read."""
        self._stopped = True

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _seconds(self) -> float:
        """Tell the time of the frame that was grabbed: the file's own, or by its number where the file has none."""
        told = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._first is None:
            self._first = told
        if not self._timed or (self._number > 0 and told <= self._first):
            return self._number / self.rate
        return told - self._first


class FrameFolder:
    """The pictures of a folder as the frames of a video, in the order of their names: frame-9 before frame-10."""

    live = False

    def __init__(
        self, folder: Path, sampling: Sampling, begins: datetime | None, rate: float | None, tell: Callable[[str], None]
    ) -> None:
        """List the folder; without ``begins`` it began when its first file was written. Raises InvalidSource."""
        self._paths = sorted(
            (path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith(".")),
            key=_natural,
        )
        if not self._paths:
            raise InvalidSource(f"the folder {folder} holds no pictures", expected="JPEG, PNG, WebP or BMP files")
        self.rate = USUAL_RATE if rate is None else rate
        self.total: int | None = len(self._paths)
        self.unreadable = 0
        self._begins = begins or datetime.fromtimestamp(self._paths[0].stat().st_mtime).astimezone()
        self._sampling = sampling
        self._tell = tell
        self._number = 0
        self._stopped = False

    def read(self) -> Frame | None:
        """Give the next picture that is wanted; one that cannot be read is told of and left out."""
        while not self._stopped and self._number < len(self._paths):
            number, path = self._number, self._paths[self._number]
            self._number += 1
            if not self._sampling.wants(number):
                continue
            try:
                content = images.read_source(path)
                pixels: Pixels = np.asarray(cv2.cvtColor(images.decode(content), cv2.COLOR_RGB2BGR), np.uint8)
            except InvalidImage as error:
                self.unreadable += 1
                self._tell(f"{path} is left out: {error}")
                continue
            seconds = number / self.rate
            taken = self._begins + timedelta(seconds=seconds)
            return Frame(number, seconds, taken, pixels, self._sampling.asks(number), content)
        return None

    def stop(self) -> None:
        """End after the picture that is being read."""
        self._stopped = True

    def close(self) -> None:
        """Hold nothing."""


def rate_of(capture: cv2.VideoCapture, rate: float | None) -> float:
    """Choose the frames a second: what the user says, else the source, else the usual."""
    if rate is not None:
        return rate
    told = float(capture.get(cv2.CAP_PROP_FPS))
    return told if 0.0 < told < 1000.0 else USUAL_RATE


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Order frame-9 before frame-10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
