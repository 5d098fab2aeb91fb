"""`gallery watch`: a video, a camera or a folder of frames, and who is in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.common import Common, on_a_gallery
from gallery.cli.context import duration, moment
from gallery.cli.exits import Exit
from gallery.cli.output import progress, say
from gallery.cli.people import Threshold
from gallery.cli.stopping import stopped_by_signals
from gallery.cli.target import ask
from gallery.errors import GalleryError, InvalidParameter

if TYPE_CHECKING:
    from gallery.cameras import Finder, Sink, Source, Watching
    from gallery.cameras.watching import Counts
    from gallery.cli.target import AnyGallery

EPILOG = """Examples:

gallery watch street.mp4 --detector yolox_s.onnx -o seen.mp4 — people detected, followed, and drawn with who they are

gallery watch rtsp://user:password@camera.example/stream --detector yolov8n.onnx --every 5 --camera door --json

gallery watch 0 --detector yolov8n.onnx — the first webcam

gallery watch street.mp4 --sidecar street.jsonl --json-lines seen.jsonl — people found by somebody else

gallery watch crops/ — a folder of pictures of one person each, in the order of their names

A detector is an ONNX file with one input, float32 [1, 3, height, width], and one output: [1, N, 85] of a YOLOX or
[1, 84, N] of a YOLOv8, trained on COCO, without non-maximum suppression in the graph. Its boxes are followed by their
overlap alone; people who cross may swap tracks.

A sidecar has a line for each frame that shows somebody: {"frame": 12, "people": [{"box": [410, 80, 64, 180],
"track_id": "7"}]}. frame counts from 0, or "time": 0.48 in seconds in its place; box is x, y, width, height in pixels;
track_id may be missing.

A recording is read to its end and no frame of it is dropped. A camera's frames are dropped where the gallery is slower,
which is counted; a camera that is lost is opened again, and so is the connection to the server, whose tracks begin anew
then. Ctrl-C finishes the output.

Exit codes: 0 all was answered; 1 some frames were not; 3 refused, or the recording breaks off; 4 the server or the
camera was away for longer than --retry-for; 130 interrupted."""

_SECONDS_FOR_AN_ANSWER = 60.0
_PATIENCE_FOR_RECORDINGS = 300.0


@on_a_gallery
def watch(
    common: Common,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A video file, an RTSP or HTTP URL, a webcam's number, or a folder of frames.",
            show_default=False,
        ),
    ],
    sidecar: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON lines that say where the people of a recording are.")
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="ONNX person detector. Without one or a sidecar: one person fills the frame."
        ),
    ] = None,
    detector_threshold: Annotated[
        float, typer.Option(metavar="SCORE", help="Least score of a detected person, 0 to 1.")
    ] = 0.5,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the video with the answers drawn (.mp4, .mkv, .avi)."
        ),
    ] = None,
    json_lines: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JSON line for each person; --json prints them.")
    ] = None,
    every: Annotated[int, typer.Option(metavar="N", min=1, help="Ask about every Nth frame only.")] = 1,
    camera: Annotated[
        str | None, typer.Option(metavar="ID", help="The camera, as the gallery and the output know it.")
    ] = None,
    begins: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When a recording's first frame was taken, ISO 8601; else its length before the file was written.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="FPS", min=0.01, max=1000.0, help="Frames a second of a folder (else 25), or of a video."),
    ] = None,
    threshold: Threshold = None,
    retry_for: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            show_default="5m for recordings, for ever for cameras",
            help="How long to try again while the server or the camera is away.",
        ),
    ] = None,
) -> None:
    """Watch a video, a camera or a folder of frames: who is in it, when, TRUE or FALSE."""
    from gallery.cameras import AnnotatedVideo, Asking, Lines, Sampling, Watching, open_source
    from gallery.cameras.opening import Opening
    from gallery.cli.watched import Told
    from gallery.images import settle_decoders
    from gallery.resending import Patience

    settle_decoders()
    if sidecar is not None and detector is not None:
        raise typer.BadParameter("either a --sidecar or a --detector says where people are, not both")
    _check_outputs(source, output, json_lines)
    patience = None if retry_for is None else duration(retry_for, "--retry-for").total_seconds()
    began = None if begins is None else moment(begins, "--begins")
    opening = Opening(Sampling(every, between=output is not None), began, rate, patience)
    interrupted = Event()
    with ExitStack() as stack:
        opened = open_source(source, opening, say)
        stack.callback(opened.close)
        finder = _finder(opened, sidecar, detector, detector_threshold)
        sinks: list[Sink] = [Lines(typer.echo, camera) if common.as_json else Told()]
        if json_lines is not None:
            sinks.append(Lines(stack.enter_context(_lines_in(json_lines)), camera))
        if output is not None:
            sinks.append(AnnotatedVideo(output, opened.rate))
        if patience is None and not opened.live:
            patience = _PATIENCE_FOR_RECORDINGS

        async def run(gallery: "AnyGallery") -> "Counts":
            asking = Asking(gallery, common.gallery_id, threshold, Patience(_SECONDS_FOR_AN_ANSWER, patience), say)
            watching = Watching(opened, finder, asking, sinks, camera)
            try:
                await _carry_out(watching, opened.total, interrupted)
            finally:
                _sum_up(watching.counts, opened, output)
            return watching.counts

        try:
            counts = ask(common.target, run)
        except GalleryError as error:
            if not interrupted.is_set():
                raise
            say(f"gallery: {error} [{error.reason}]")
    if interrupted.is_set():
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(Exit.NO_MATCH if counts.refused or opened.unreadable else Exit.DONE)


def _check_outputs(source: str, output: Path | None, json_lines: Path | None) -> None:
    from gallery.cameras.video import checked_video

    if any(named is not None and named.resolve() == Path(source).resolve() for named in (output, json_lines)):
        raise typer.BadParameter(f"{source} would be written over while it is read")
    if output is not None:
        checked_video(output)


def _finder(source: "Source", sidecar: Path | None, detector: Path | None, threshold: float) -> "Finder":
    from gallery.cameras import Detecting, IouTracker, PersonDetector, Sidecar, WholePicture

    if detector is not None:
        return Detecting(PersonDetector(detector, threshold=threshold), IouTracker())
    if sidecar is None:
        return WholePicture()
    if source.live:
        raise typer.BadParameter("a sidecar belongs to a recording, not to a camera", param_hint="--sidecar")
    return Sidecar(sidecar, source.rate)


@contextmanager
def _lines_in(path: Path) -> Iterator[Callable[[str], None]]:
    """Open a file for lines that are there as soon as they are written."""

    def failed(error: OSError) -> InvalidParameter:
        return InvalidParameter(f"{path} cannot be written ({error.strerror})", expected="a writable place with room")

    try:
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise failed(error) from error

    def write(line: str) -> None:
        try:
            file.write(line.encode() + b"\n")
        except OSError as error:
            raise failed(error) from error

    with file:
        yield write


async def _carry_out(watching: "Watching", total: int | None, interrupted: Event) -> None:
    """Watch to the end, or until a signal, which sets ``interrupted``; ``total`` frames, None where nobody knows."""

    def stop() -> None:
        interrupted.set()
        watching.stop()

    with progress() as bar, stopped_by_signals(stop):
        task = bar.add_task("watching", total=total)
        await watching.run(lambda done: bar.update(task, completed=done))


def _sum_up(counts: "Counts", source: "Source", output: Path | None) -> None:
    parts = [
        f"{counts.frames} frames",
        f"{counts.asked} asked about",
        f"{counts.people} people",
        f"{counts.matched} TRUE",
    ]
    if source.live:
        parts.append(f"{counts.dropped} dropped, which came faster than answers")
    if counts.refused:
        parts.append(f"{counts.refused} refused")
    if source.unreadable:
        parts.append(f"{source.unreadable} unreadable")
    say(", ".join(parts) + (f"; drawn into {output}" if output is not None and counts.frames else ""))
