"""People who do not exist, drawn as a surveillance camera sees pedestrians: for demo, tests and golden samples.

Who a person is (clothes, colours, build, things carried) follows from ``person`` alone; how a camera sees them
(pose, place, light, street, blur, noise) follows from ``person`` and ``view``. The same numbers always give the
same pixels with the same versions of numpy and OpenCV, and no real person's picture is needed for anything.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from gallery.domain import Pixels, Region
from gallery.drawn_people.figure import draw_figure
from gallery.drawn_people.look import look_of, pose_of
from gallery.drawn_people.scenery import as_the_camera_saw_it, street

__all__ = ["draw_person", "draw_scene", "write_folder"]

_OVERSAMPLING = 4


def draw_person(person: int, view: int, *, height: int = 128, width: int = 64) -> Pixels:
    """Draw one person as one camera's crop: uint8 RGB [height, width, 3]."""
    random = np.random.default_rng([20, person, view])
    canvas = street(random, height * _OVERSAMPLING, width * _OVERSAMPLING)
    size = min(height, width * 2) * _OVERSAMPLING * random.uniform(0.84, 0.93)
    feet = (
        width * _OVERSAMPLING * random.uniform(0.45, 0.55),
        height * _OVERSAMPLING * random.uniform(0.955, 0.985),
    )
    draw_figure(canvas, look_of(person), pose_of(random), random, (*feet, size))
    return as_the_camera_saw_it(canvas, random, height, width)


def draw_scene(
    people: Sequence[int], view: int, *, height: int = 480, width: int = 640
) -> tuple[Pixels, tuple[Region, ...]]:
    """Draw people side by side in one frame: uint8 RGB [height, width, 3] and each person's box, in their order."""
    random = np.random.default_rng([21, view, *people])
    oversampling = _OVERSAMPLING // 2
    canvas = street(random, height * oversampling, width * oversampling)
    slot = width * oversampling / max(1, len(people))
    boxes: dict[int, Region] = {}
    depths = random.permutation(len(people))
    for place in depths:
        nearness = (place * 7 % 5) / 4
        size = min(height * oversampling * (0.62 + 0.22 * nearness), slot * 1.9) * random.uniform(0.95, 1.0)
        feet = (slot * (place + random.uniform(0.44, 0.56)), height * oversampling * (0.86 + 0.10 * nearness))
        drawn = draw_figure(canvas, look_of(people[place]), pose_of(random), random, (*feet, size))
        left, top = np.maximum(drawn.min(axis=0) // oversampling - 2, 0)
        right, bottom = np.minimum(drawn.max(axis=0) // oversampling + 3, (width, height))
        boxes[int(place)] = Region(int(left), int(top), int(right - left), int(bottom - top))
    frame = as_the_camera_saw_it(canvas, random, height, width)
    return frame, tuple(boxes[place] for place in range(len(people)))


def write_folder(folder: Path, people: Sequence[int], views: Sequence[int]) -> list[Path]:
    """Write ``person-007/view-2.jpg`` and so on under ``folder`` (JPEG, quality 92); return the paths in order."""
    paths = []
    for person in people:
        of_person = folder / f"person-{person:03d}"
        of_person.mkdir(parents=True, exist_ok=True)
        for view in views:
            bgr = cv2.cvtColor(draw_person(person, view), cv2.COLOR_RGB2BGR)
            _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
            path = of_person / f"view-{view}.jpg"
            path.write_bytes(encoded.tobytes())
            paths.append(path)
    return paths
