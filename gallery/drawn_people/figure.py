"""A person drawn from polygons, each rounded by light, in lengths of an average person's height."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gallery.domain import Pixels
from gallery.drawn_people.look import Colour, Look, Pose
from gallery.drawn_people.scenery import cast_shadow

Points: TypeAlias = NDArray[np.float64]


class Canvas:
    """RGB pixels drawn ``_OVERSAMPLING`` times too large in a figure's own coordinates: feet at (0, 0), head at -1."""

    def __init__(self, pixels: Pixels, *, feet: tuple[float, float], scale: float, mirrored: bool) -> None:
        self.pixels = pixels
        self._feet = feet
        self._scale = np.array([-scale if mirrored else scale, scale])
        self.drawn: list[NDArray[np.int32]] = []

    def paint(self, shape: Points, colour: Colour, pattern: str = "plain", second: Colour = (0, 0, 0)) -> None:
        """Fill a convex or simple polygon, rounded by a light from the upper left."""
        points = np.rint(shape * self._scale + self._feet).astype(np.int32)
        self.drawn.append(points)
        height, width = self.pixels.shape[:2]
        left, top = np.maximum(points.min(axis=0), 0)
        right, bottom = np.minimum(points.max(axis=0) + 1, (width, height))
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillPoly(mask, [points - (left, top)], 255)
        across = np.linspace(-1, 1, right - left)[None, :]
        down = np.linspace(-1, 1, bottom - top)[:, None]
        light = 1.04 - 0.20 * (across + 0.25) ** 2 - 0.06 * down
        chosen = _patterned(pattern, across, down)[..., None]
        fill = (np.asarray(colour) * (1 - chosen) + np.asarray(second) * chosen) * light[..., None]
        inside = mask > 0
        self.pixels[top:bottom, left:right][inside] = np.clip(fill, 0, 255).astype(np.uint8)[inside]


def draw_figure(
    pixels: Pixels, look: Look, pose: Pose, random: Generator, place: tuple[float, float, float]
) -> NDArray[np.int32]:
    """Draw a person with the feet at ``place`` = (x, y, size); return every point that was drawn [points, 2]."""
    x, y, size = place
    cast_shadow(pixels, (x, y), size)
    canvas = Canvas(pixels, feet=(x, y), scale=size * look.stature, mirrored=bool(random.integers(2)))
    frontal = abs(float(np.cos(pose.turn)))
    away = np.cos(pose.turn) < -0.3
    girth = look.girth * (0.72 + 0.28 * frontal)
    shoulder, hip = 0.122 * girth, 0.092 * girth
    spread = 0.045 * girth * frontal + 0.02 + 0.085 * abs(pose.stride) * (1.1 - frontal)
    if look.bag == "backpack" and not away:
        side = 0 if frontal > 0.6 else 0.75 * shoulder
        canvas.paint(_box(-side, -0.70, shoulder * 1.08, 0.13), look.bag_colour)
    if look.haircut == "long" and not away:
        canvas.paint(_ellipse(0, -0.865, 0.072, 0.115), _darker(look.hair, 0.85))
    _arm(canvas, look, -1, (shoulder, pose.swing, frontal))
    for side in (-1, 1):
        _leg(canvas, look, side, (hip, spread, pose.stride))
    _torso(canvas, look, shoulder, hip)
    _arm(canvas, look, 1, (shoulder, pose.swing, frontal))
    if look.bag == "backpack" and away:
        canvas.paint(_box(0, -0.665, shoulder * 0.78, 0.125), look.bag_colour)
        canvas.paint(_box(0, -0.61, shoulder * 0.55, 0.045), _darker(look.bag_colour, 0.75))
    elif look.bag == "backpack":
        for side in (-1, 1):
            canvas.paint(_limb((side * shoulder * 0.5, -0.80), 0.013, (side * shoulder * 0.55, -0.62), 0.013),
                         _darker(look.bag_colour, 0.85))  # fmt: skip
    elif look.bag == "shoulder bag":
        canvas.paint(_limb((-shoulder * 0.6, -0.80), 0.009, (hip * 1.15, -0.50), 0.009), _darker(look.bag_colour, 0.7))
        canvas.paint(_box(hip * 1.2, -0.455, 0.062, 0.058), look.bag_colour)
    _head(canvas, look, pose, away=bool(away))
    return np.concatenate(canvas.drawn)


def _leg(canvas: Canvas, look: Look, side: int, gait: tuple[float, float, float]) -> None:
    hip, spread, stride = gait
    lifted = 0.025 * max(0.0, side * stride)
    top, knee = (side * hip * 0.52, -0.47), (side * (hip * 0.30 + spread * 0.55), -0.27 - lifted)
    foot = (side * spread, -0.035 - lifted)
    bare = look.bottom in ("shorts", "skirt", "none")
    heel, toe = (foot[0] + side * 0.004, foot[1] + 0.008), (foot[0] + side * 0.028, -0.016 - lifted)
    canvas.paint(_limb(heel, 0.026, toe, 0.02), look.shoes)
    shade = 1.0 if side > 0 else 0.88
    leg = _darker(look.skin if bare else look.bottom_colour, shade)
    width = 0.036 if bare else 0.046 * look.girth**0.5
    canvas.paint(_limb(knee, width, foot, width * 0.72), leg)
    upper = look.skin if look.bottom == "none" else look.bottom_colour
    canvas.paint(_limb(top, 0.060 * look.girth**0.5, knee, 0.052 if look.bottom == "shorts" else width),
                 _darker(upper, shade))  # fmt: skip


def _arm(canvas: Canvas, look: Look, side: int, body: tuple[float, float, float]) -> None:
    shoulder, swing, frontal = body
    at = (side * shoulder * 0.92, -0.79)
    drift = 0.06 * swing * side * (1.2 - frontal)
    elbow = (at[0] + side * 0.022 + drift, -0.625)
    hand = (elbow[0] + drift * 1.3 + side * 0.004, -0.475)
    sleeve = _darker(look.top_colour, 1.0 if side > 0 else 0.86)
    short = look.top in ("shirt", "dress")
    canvas.paint(_ellipse(hand[0], hand[1] + 0.012, 0.021, 0.028), look.skin)
    canvas.paint(
        _limb(elbow, 0.026 if short else 0.032, hand, 0.020 if short else 0.027), look.skin if short else sleeve
    )
    canvas.paint(_limb(at, 0.040, elbow, 0.034), sleeve)
    if look.bag == "handbag" and side > 0:
        canvas.paint(
            _limb((hand[0] - 0.02, hand[1] + 0.02), 0.006, (hand[0] + 0.02, hand[1] + 0.09), 0.006), (40, 34, 30)
        )
        canvas.paint(_box(hand[0], hand[1] + 0.115, 0.055, 0.048), look.bag_colour)


def _torso(canvas: Canvas, look: Look, shoulder: float, hip: float) -> None:
    canvas.paint(_limb((0, -0.87), 0.034, (0, -0.80), 0.042), _darker(look.skin, 0.86))
    if look.bottom == "skirt":
        canvas.paint(_trunk((hip * 0.95, -0.53), (hip * 1.5, -0.27), round_top=False), look.bottom_colour)
    hem, flare = {"coat": (-0.33, 1.22), "dress": (-0.28, 1.55)}.get(look.top, (-0.455, 1.06))
    canvas.paint(
        _trunk((shoulder, -0.835), (hip * flare, hem), round_top=True),
        look.top_colour,
        look.pattern,
        look.second_colour,
    )
    if look.top == "coat":
        canvas.paint(_box(0, -0.57, 0.006, 0.23), _darker(look.top_colour, 0.55))
        canvas.paint(_trunk((0.042, -0.835), (0.008, -0.70), round_top=False), look.second_colour)
    elif look.top == "dress":
        canvas.paint(_box(0, -0.575, hip * 0.98, 0.016), _darker(look.second_colour, 0.9))
    elif look.top == "jumper":
        canvas.paint(_box(0, -0.462, hip * 1.06, 0.014), _darker(look.top_colour, 0.72))
    else:
        canvas.paint(_ellipse(0, -0.828, 0.042, 0.022), _darker(look.skin, 0.92))


def _head(canvas: Canvas, look: Look, pose: Pose, *, away: bool) -> None:
    x = pose.lean
    side = float(np.sin(pose.turn)) * 0.02
    canvas.paint(_ellipse(x, -0.925, 0.054, 0.072), look.skin)
    if away and look.haircut != "bald":
        canvas.paint(_ellipse(x, -0.930, 0.057, 0.072), look.hair)
        if look.haircut == "long":
            canvas.paint(_trunk((0.056, -0.93), (0.066, -0.765), round_top=True) + np.array([x, 0]), look.hair)
    elif not away:
        for eye in (-1, 1):
            canvas.paint(_ellipse(x + side + eye * 0.019, -0.925, 0.0065, 0.0055), (42, 32, 30))
        canvas.paint(_ellipse(x + side, -0.886, 0.015, 0.0045), _darker(look.skin, 0.66))
        if look.haircut != "bald":
            arc = _ellipse(x - side * 0.6, -0.948, 0.058, 0.058)
            canvas.paint(arc[arc[:, 1] < -0.940], look.hair)
    if look.haircut == "bun" and look.hat == "none":
        canvas.paint(_ellipse(x - side, -1.0, 0.03, 0.026), look.hair)
    if look.hat != "none":
        dome = _ellipse(x, -0.955, 0.061, 0.062)
        canvas.paint(dome[dome[:, 1] < -0.945], look.hat_colour)
        if look.hat == "cap" and not away:
            canvas.paint(_ellipse(x + side * 1.6, -0.950, 0.058, 0.012), _darker(look.hat_colour, 0.7))
        elif look.hat == "beanie":
            canvas.paint(_box(x, -0.953, 0.062, 0.014), _darker(look.hat_colour, 0.8))


def _patterned(pattern: str, across: Points, down: Points) -> Points:
    """Tell where the second colour goes, 0 or 1, [rows, columns]; ``across`` and ``down`` run from -1 to 1."""
    flat = across * 0 + down * 0
    found = {
        "stripes": lambda: np.sin(across * 15) > 0.1,
        "hoops": lambda: np.sin(down * 17) > 0.1,
        "checks": lambda: (np.sin(across * 11) > 0) ^ (np.sin(down * 16) > 0),
        "block": lambda: down > 0.05 + across * 0,
        "logo": lambda: (across * 1.0) ** 2 + ((down + 0.28) * 1.5) ** 2 < 0.16,
        "dots": lambda: (np.sin(across * 12) * np.sin(down * 19)) > 0.62,
    }.get(pattern)
    return flat if found is None else flat + found()


def _darker(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _ellipse(x: float, y: float, half_width: float, half_height: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([x + half_width * np.cos(angles), y + half_height * np.sin(angles)], axis=1)


def _box(x: float, y: float, half_width: float, half_height: float) -> Points:
    """Outline a box with rounded corners: a superellipse."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack(
        [x + half_width * np.sign(cos) * np.abs(cos) ** 0.4, y + half_height * np.sign(sin) * np.abs(sin) ** 0.4],
        axis=1,
    )


def _limb(start: tuple[float, float], start_radius: float, end: tuple[float, float], end_radius: float) -> Points:
    """Outline a tapered limb: the hull of a circle at either end."""
    ends = [_ellipse(*start, start_radius, start_radius), _ellipse(*end, end_radius, end_radius)]
    hull: Points = cv2.convexHull(np.concatenate(ends).astype(np.float32))[:, 0].astype(np.float64)
    return hull


def _trunk(top: tuple[float, float], bottom: tuple[float, float], *, round_top: bool) -> Points:
    """Outline a tapered body part between two (half width, y), with sloping shoulders if ``round_top``."""
    (upper, above), (lower, below) = top, bottom
    slope = 0.035 if round_top else 0.0
    half = [(upper * 0.35, above), (upper * 0.8, above + slope * 0.35), (upper, above + slope), (lower, below)]
    return np.array([(-x, y) for x, y in half] + [(x, y) for x, y in reversed(half)])
