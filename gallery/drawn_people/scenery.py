"""Where the drawn people walk and what the camera makes of it: streets, shadows, light, blur, noise."""

import cv2
import numpy as np
from numpy.random import Generator

from gallery.domain import Pixels

_WALLS = ((176, 168, 156), (134, 142, 150), (168, 120, 98), (196, 190, 172), (104, 116, 108), (150, 150, 158))
_GROUNDS = ((122, 120, 118), (150, 144, 134), (96, 98, 102), (168, 160, 148), (116, 126, 104))


def street(random: Generator, height: int, width: int) -> Pixels:
    """Draw an empty place: a wall of bricks, panels or windows above a pavement; uint8 RGB [height, width, 3]."""
    horizon = round(height * random.uniform(0.52, 0.72))
    unit = height / 24
    wall = np.asarray(_WALLS[random.integers(len(_WALLS))]) * random.uniform(0.8, 1.15)
    ground = np.asarray(_GROUNDS[random.integers(len(_GROUNDS))]) * random.uniform(0.8, 1.15)
    pixels = np.empty((height, width, 3))
    pixels[:horizon] = wall * np.linspace(1.08, 0.92, horizon)[:, None, None]
    pixels[horizon:] = ground * np.linspace(0.86, 1.10, height - horizon)[:, None, None]
    drawn = np.clip(pixels, 0, 255).astype(np.uint8)
    furnish = (_bricks, _windows, _panels)[random.integers(3)]
    furnish(drawn[:horizon], random, unit)
    _paving(drawn, random, horizon)
    cv2.rectangle(drawn, (0, horizon - round(unit * 0.35)), (width, horizon), (wall * 0.62).tolist(), -1)
    mottle = random.normal(0, 7, (height // 16 + 1, width // 16 + 1, 1)).astype(np.float32)
    mottled = drawn + cv2.resize(mottle, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    return np.asarray(np.clip(mottled, 0, 255), np.uint8)


def cast_shadow(pixels: Pixels, feet: tuple[float, float], size: float) -> None:
    """Darken the ground softly under someone of ``size`` pixels who stands at ``feet``, in place."""
    x, y, half_width, half_height = round(feet[0]), round(feet[1]), round(size * 0.17), max(1, round(size * 0.028))
    left, top = max(0, x - 2 * half_width), max(0, y - 3 * half_height)
    patch = pixels[top : y + 3 * half_height, left : x + 2 * half_width]
    shade = np.zeros(patch.shape[:2], np.float32)
    cv2.ellipse(shade, (x - left, y - top), (half_width, half_height), 0, 0, 360, 0.5, -1)
    soft = cv2.GaussianBlur(shade, (0, 0), max(0.5, size * 0.014))
    patch[:] = (patch * (1 - soft[..., None])).astype(np.uint8)


def as_the_camera_saw_it(canvas: Pixels, random: Generator, height: int, width: int) -> Pixels:
    """Shrink the canvas to the camera's pixels and give it the camera's light, white balance, blur and noise."""
    seen = np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.float64) / 255
    gains = random.normal(1, 0.035, 3) * random.uniform(0.78, 1.16)
    seen = np.clip(seen * gains, 0, 1) ** random.uniform(0.86, 1.18)
    slope = random.uniform(-0.12, 0.12)
    seen = seen * (1 + slope * np.linspace(-1, 1, width))[None, :, None]
    seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), random.uniform(0.25, 0.75) * height / 128))
    noisy = seen * 255 + random.normal(0, random.uniform(0.8, 3.5), seen.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _bricks(wall: Pixels, random: Generator, unit: float) -> None:
    height, width = wall.shape[:2]
    mortar = (wall.mean(axis=(0, 1)) * 0.84).tolist()
    course, thickness = max(4, round(unit * random.uniform(0.8, 1.2))), max(1, round(unit * 0.1))
    for row, y in enumerate(range(0, height, course)):
        cv2.line(wall, (0, y), (width, y), mortar, thickness)
        for x in range(-course * (row % 2), width, course * 2):
            cv2.line(wall, (x, y), (x, y + course), mortar, thickness)


def _windows(wall: Pixels, random: Generator, unit: float) -> None:
    height, width = wall.shape[:2]
    glass = (np.array((70, 86, 104)) * random.uniform(0.6, 1.7)).tolist()
    frame = (wall.mean(axis=(0, 1)) * random.choice([0.55, 1.3])).clip(0, 255).tolist()
    step = round(unit * random.uniform(6.5, 9))
    for left in range(round(random.uniform(-0.9, 0) * step), width, step):
        box = (left, round(height * 0.12)), (left + round(step * 0.62), round(height * random.choice([0.7, 1.0])))
        cv2.rectangle(wall, *box, glass, -1)
        cv2.rectangle(wall, *box, frame, max(1, round(unit * 0.3)))
        middle = (box[0][0] + box[1][0]) // 2
        cv2.line(wall, (middle, box[0][1]), (middle, box[1][1]), frame, max(1, round(unit * 0.2)))


def _panels(wall: Pixels, random: Generator, unit: float) -> None:
    height, width = wall.shape[:2]
    seam = (wall.mean(axis=(0, 1)) * 0.8).tolist()
    step = round(unit * random.uniform(3, 5))
    for x in range(round(random.uniform(0, step)), width, step):
        cv2.line(wall, (x, 0), (x, height), seam, max(1, round(unit * 0.14)))
    stripe = round(height * random.uniform(0.45, 0.8))
    cv2.rectangle(wall, (0, stripe), (width, stripe + round(unit)), random.uniform(60, 210, 3).tolist(), -1)


def _paving(pixels: Pixels, random: Generator, horizon: int) -> None:
    """Draw slabs that recede to a point above the horizon, or a kerb."""
    height, width = pixels.shape[:2]
    joint = (pixels[horizon:].mean(axis=(0, 1)) * 0.86).tolist()
    thickness = max(1, height // 340)
    vanishing = (width * random.uniform(0.2, 0.8), horizon - height * 0.25)
    for step in np.linspace(-2.5, 3.5, 13):
        foot = width * step
        at = (horizon - vanishing[1]) / (height - vanishing[1])
        start = (round(vanishing[0] + (foot - vanishing[0]) * at), horizon)
        cv2.line(pixels, start, (round(foot), height), joint, thickness, cv2.LINE_AA)
    for depth in (0.12, 0.34, 0.66):
        y = round(horizon + (height - horizon) * depth)
        cv2.line(pixels, (0, y), (width, y), joint, thickness)
