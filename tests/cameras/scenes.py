"""Recordings for tests: drawn people before a camera, and a camera that serves them by HTTP."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from gallery.domain import Pixels, Region
from gallery.drawn_people import draw_scene

RATE = 10.0
HEIGHT, WIDTH = 120, 160


def scene(people: Sequence[int], view: int = 0) -> tuple[Pixels, tuple[Region, ...]]:
    """A frame, uint8 BGR, and where its people are."""
    rgb, boxes = draw_scene(people, view, height=HEIGHT, width=WIDTH)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8), boxes


def numbered(count: int) -> list[Pixels]:
    """Frames that can be told apart after any codec: 25 greys, from black on, again and again."""
    return [np.full((HEIGHT, WIDTH, 3), 10 * (number % 25), np.uint8) for number in range(count)]


def number_of(frame: Pixels) -> int:
    """Which of the `numbered` frames this is, by its middle."""
    return round(float(np.median(frame[HEIGHT // 2 :, WIDTH // 2 :])) / 10)


def write_video(path: Path, frames: Sequence[Pixels], *, rate: float = RATE) -> Path:
    """Write frames as a Motion JPEG."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def read_video(path: Path) -> tuple[list[Pixels], float]:
    """Read all frames of a video, and its rate."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(np.asarray(read[1], np.uint8))
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return frames, rate


def write_sidecar(path: Path, frames: Sequence[Sequence[Region]], *, tracks: bool = True) -> Path:
    """Write where the people of each frame are; the first of each frame is track p0, and so on."""
    lines = []
    for number, boxes in enumerate(frames):
        people = [
            {"box": [box.x, box.y, box.width, box.height], **({"track_id": f"p{place}"} if tracks else {})}
            for place, box in enumerate(boxes)
        ]
        lines.append(json.dumps({"frame": number, "people": people}))
    path.write_text("\n".join(lines) + "\n")
    return path


class HttpCamera:
    """A camera as many are: Motion JPEG over HTTP. It can be unplugged and plugged in again at the same address."""

    def __init__(self, frame: Pixels) -> None:
        self._jpeg = cv2.imencode(".jpg", frame)[1].tobytes()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self._unplugged = threading.Event()

    @property
    def url(self) -> str:
        return f"http://user:secret@127.0.0.1:{self._port}/stream"

    def plug_in(self) -> None:
        self._unplugged.clear()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                try:
                    while not camera._unplugged.wait(0.01):
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(camera._jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + camera._jpeg + b"\r\n")
                except OSError:
                    pass

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()

    def unplug(self) -> None:
        self._unplugged.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def http_camera(frame: Pixels) -> Iterator[HttpCamera]:
    camera = HttpCamera(frame)
    camera.plug_in()
    try:
        yield camera
    finally:
        camera.unplug()
