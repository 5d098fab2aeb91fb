"""Cameras and recordings, watched: frames in, who is in them out, in order.

    source ──frames──▶ finder ──people──▶ IdentifyStream ──answers, in order──▶ sinks

A `Source` gives frames (`open_source`: a video file, a stream, a webcam, a folder), a `Finder` says where the people
of a frame are (`WholePicture`, `Sidecar`, `Detecting`), `Watching` asks the gallery, and a `Sink` is told the results
(`AnnotatedVideo`, `Lines`).
"""

from gallery.cameras.asking import Asking, Streams
from gallery.cameras.detecting import Detecting
from gallery.cameras.detector import PersonDetector
from gallery.cameras.frames import Frame, Sampling, Source
from gallery.cameras.lines import Lines
from gallery.cameras.opening import open_source, shown_name
from gallery.cameras.people import Finder, Look, Seen, WholePicture
from gallery.cameras.results import Person, Result, Sink
from gallery.cameras.sidecar import Sidecar
from gallery.cameras.tracker import IouTracker
from gallery.cameras.video import AnnotatedVideo
from gallery.cameras.watching import Watching

__all__ = [
    "AnnotatedVideo",
    "Asking",
    "Detecting",
    "Finder",
    "Frame",
    "IouTracker",
    "Lines",
    "Look",
    "Person",
    "PersonDetector",
    "Result",
    "Sampling",
    "Seen",
    "Sidecar",
    "Sink",
    "Source",
    "Streams",
    "Watching",
    "WholePicture",
    "open_source",
    "shown_name",
]
