"""What goes wrong with pictures of people, done to good ones on purpose, each at rising strength.

Every function takes and gives a uint8 RGB crop; the crop may change its size, as a wrong box would.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from gallery.domain import Pixels, QualityReason

Change = Callable[[Pixels, np.random.Generator], Pixels]

_READ_NOISE = 1.5  # grey levels of a sensor in the dark


@dataclass(frozen=True, slots=True)
class Degradation:
    """One change at one strength, and the reason that should refuse it."""

    name: str
    reason: QualityReason
    change: Change


def all_degradations() -> list[Degradation]:
    """List every degradation, mildest first within its kind."""
    reason = QualityReason
    kinds: list[tuple[str, QualityReason, Callable[..., Pixels], tuple[float, ...]]] = [
        ("scaled to width", reason.TOO_SMALL, _scaled, (48, 32, 24, 16, 12, 8)),
        ("out of focus, sigma", reason.BLURRED, _out_of_focus, (0.5, 1, 1.5, 2, 3)),
        ("moved, pixels", reason.BLURRED, _moved, (5, 9, 13, 17)),
        ("underexposed, gain", reason.TOO_DARK, _gain, (0.7, 0.5, 0.4, 0.3, 0.2, 0.1)),
        ("overexposed, gain", reason.TOO_BRIGHT, _gain, (1.5, 2, 2.5, 3, 4)),
        ("haze, contrast left", reason.LOW_CONTRAST, _haze, (0.7, 0.6, 0.5, 0.4, 0.3, 0.2)),
        ("legs cut off, height left", reason.UNLIKELY_SHAPE, _top, (0.875, 0.75, 0.6, 0.5)),
        ("side cut off, width left", reason.UNLIKELY_SHAPE, _middle, (0.75, 0.6, 0.5)),
        ("box too wide, times", reason.UNLIKELY_SHAPE, _widened, (1.25, 1.5, 1.75, 2, 3)),
        ("box too tall, times", reason.UNLIKELY_SHAPE, _heightened, (1.25, 1.5, 1.75, 2)),
    ]
    graded = [
        Degradation(f"{name} {strength:g}", why, partial(change, strength))
        for name, why, change, strengths in kinds
        for strength in strengths
    ]
    nobody: list[tuple[str, Change]] = [
        ("upside down", lambda crop, _: crop[::-1]),
        ("background strip", _strip),
        ("background corner", lambda crop, _: crop[: crop.shape[0] // 4, : crop.shape[1] // 4]),
        ("one colour", lambda crop, random: np.full_like(crop, random.integers(0, 256))),
        ("noise", lambda crop, random: random.integers(0, 256, crop.shape, np.uint8)),
        ("coloured clouds", _clouds),
    ]
    return graded + [Degradation(name, reason.UNLIKE_A_PERSON, change) for name, change in nobody]


def _scaled(width: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    height = max(1, round(width * crop.shape[0] / crop.shape[1]))
    return cv2.resize(crop, (round(width), height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _out_of_focus(sigma: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    return cv2.GaussianBlur(crop, (0, 0), sigma).astype(np.uint8, copy=False)


def _moved(pixels: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    size = round(pixels)
    line = np.zeros((size, size), np.float32)
    line[size // 2] = 1
    turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), random.uniform(0, 180), 1)
    kernel = cv2.warpAffine(line, turn, (size, size))
    return cv2.filter2D(crop, -1, kernel / kernel.sum()).astype(np.uint8, copy=False)


def _gain(gain: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    return _clipped(crop.astype(np.float64) * gain + random.normal(0, _READ_NOISE, crop.shape))


def _haze(left: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    return _clipped((crop.astype(np.float64) - 127.5) * left + 127.5)


def _clipped(values: NDArray[np.float64]) -> Pixels:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _top(left: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    return crop[: round(left * crop.shape[0])]


def _middle(left: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    edge = round((1 - left) / 2 * crop.shape[1])
    return crop[:, edge : crop.shape[1] - edge]


def _widened(times: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    edge = round((times - 1) / 2 * crop.shape[1])
    return cv2.copyMakeBorder(crop, 0, 0, edge, edge, cv2.BORDER_REFLECT).astype(np.uint8, copy=False)


def _heightened(times: float, crop: Pixels, random: np.random.Generator) -> Pixels:
    edge = round((times - 1) / 2 * crop.shape[0])
    return cv2.copyMakeBorder(crop, edge, edge, 0, 0, cv2.BORDER_REFLECT).astype(np.uint8, copy=False)


def _strip(crop: Pixels, random: np.random.Generator) -> Pixels:
    width = max(1, crop.shape[1] // 6)
    return crop[:, :width] if random.random() < 0.5 else crop[:, -width:]


def _clouds(crop: Pixels, random: np.random.Generator) -> Pixels:
    spots = random.integers(0, 256, (8, 4, 3), np.uint8)
    return cv2.resize(spots, crop.shape[1::-1], interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
