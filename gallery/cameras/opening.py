"""What a source's name means: a webcam's number, a URL, a video file or a folder of frames."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import cv2

from gallery.cameras.frames import EVERY_FRAME, Sampling, Source
from gallery.cameras.live import Camera
from gallery.cameras.recordings import FrameFolder, Recording, rate_of
from gallery.errors import InvalidSource, SourceUnavailable

_PATIENCE_MS = 5_000
"""Milliseconds that a stream has to open, and to give its next frame."""

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Opening:
    """How a source is read: which frames, when a recording begins, its rate, and how long a lost one is looked for.

    None leaves it to the source; ``retry_for`` is in seconds, and None means for ever.
    """

    sampling: Sampling = EVERY_FRAME
    begins: datetime | None = None
    rate: float | None = None
    retry_for: float | None = None


def open_source(name: str, opening: Opening, tell: Callable[[str], None]) -> Source:
    """Open a webcam ("0"), an RTSP or HTTP stream, a video file or a folder of frames.

    A URL is a camera, unless it knows how many frames it has: a video file on a web server is read to its end.
    ``tell`` is told what happens to it later. Raises InvalidSource and SourceUnavailable.
    """
    if name.isdecimal():
        return Camera(partial(_webcam, int(name)), f"the webcam {name}", opening.sampling, opening.retry_for, tell)
    if "://" in name:
        return _from_url(name, opening, tell)
    path = Path(name)
    if path.is_dir():
        return FrameFolder(path, opening.sampling, opening.begins, opening.rate, tell)
    if not path.is_file():
        raise InvalidSource(
            f"there is no {name}",
            expected="a video file, a folder of frames, a URL such as rtsp://…, or a webcam's number",
        )
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise InvalidSource(
            f"{name} is no video that can be read", expected="MP4, MKV, AVI or another that FFmpeg reads"
        )
    return _recording(capture, name, opening, path.stat().st_mtime)


def shown_name(name: str) -> str:
    """Write a source's name without the password that a URL may hold."""
    return _PASSWORD.sub("…@", name)


def _from_url(url: str, opening: Opening, tell: Callable[[str], None]) -> Source:
    name = shown_name(url)
    capture = _stream(url)
    if capture is None:
        raise SourceUnavailable(
            f"{name} cannot be opened",
            expected="a stream that answers, at the right address and with the right password",
        )
    if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0 and not url.startswith("rtsp"):
        return _recording(capture, name, opening, None)
    first = [capture]
    return Camera(lambda: first.pop() if first else _stream(url), name, opening.sampling, opening.retry_for, tell)


def _recording(capture: cv2.VideoCapture, name: str, opening: Opening, written: float | None) -> Recording:
    """Read a recording; where nobody says when it began, it began its own length before it was ``written``, or now."""
    begins = opening.begins
    if begins is None:
        ended = datetime.now().astimezone() if written is None else datetime.fromtimestamp(written).astimezone()
        length = max(0.0, capture.get(cv2.CAP_PROP_FRAME_COUNT)) / rate_of(capture, opening.rate)
        begins = ended - timedelta(seconds=length)
    return Recording(capture, name, opening.sampling, begins, opening.rate)


def _webcam(number: int) -> cv2.VideoCapture | None:
    capture = cv2.VideoCapture(number)
    return capture if capture.isOpened() else None


def _stream(url: str) -> cv2.VideoCapture | None:
    patience = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _PATIENCE_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _PATIENCE_MS]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, patience)
    return capture if capture.isOpened() else None
