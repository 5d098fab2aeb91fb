"""Who a drawn person is, and how they stand at one moment."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

Colour = tuple[float, float, float]

_SKINS: tuple[Colour, ...] = ((246, 214, 186), (226, 182, 146), (196, 144, 106), (150, 100, 68), (98, 64, 44))
_HAIRS: tuple[Colour, ...] = ((28, 24, 24), (72, 46, 30), (128, 84, 46), (206, 168, 96), (150, 62, 34), (168, 168, 172))
_CLOTHES: tuple[Colour, ...] = (
    (232, 232, 228), (36, 36, 42), (128, 132, 138), (196, 44, 44), (120, 26, 44), (234, 128, 46),
    (240, 204, 70), (86, 158, 74), (34, 92, 66), (128, 136, 76), (72, 186, 190), (96, 160, 220),
    (42, 86, 178), (28, 40, 88), (124, 76, 170), (206, 116, 178), (242, 182, 196), (146, 102, 64),
    (206, 180, 140), (88, 62, 48),
)  # fmt: skip
_PATTERNS = ("plain", "plain", "stripes", "hoops", "checks", "block", "logo", "dots")
_TOPS = ("shirt", "shirt", "jumper", "jumper", "coat", "dress")
_BOTTOMS = ("trousers", "trousers", "trousers", "shorts", "skirt")
_HAIRCUTS = ("short", "short", "long", "bun", "bald")
_BAGS = ("none", "none", "backpack", "shoulder bag", "handbag")
_HATS = ("none", "none", "none", "cap", "beanie")


@dataclass(frozen=True, slots=True)
class Look:
    """What makes a person that person. Lengths are in heights of an average person."""

    skin: Colour
    hair: Colour
    haircut: str
    hat: str
    hat_colour: Colour
    top: str
    pattern: str
    top_colour: Colour
    second_colour: Colour
    bottom: str
    bottom_colour: Colour
    shoes: Colour
    bag: str
    bag_colour: Colour
    stature: float
    girth: float


@dataclass(frozen=True, slots=True)
class Pose:
    """How a person stands at one moment. ``turn`` in radians: 0 towards the camera, π away from it."""

    turn: float
    stride: float
    swing: float
    lean: float


def look_of(person: int) -> Look:
    """Choose a person's looks; the golden-ratio walks keep neighbours in the count far apart in colour."""
    random = np.random.default_rng([22, person])
    first = person * 13 % len(_CLOTHES)
    top_colour, second = _worn(random, first), _worn(random, first + int(random.integers(1, len(_CLOTHES))))
    top = str(random.choice(_TOPS))
    return Look(
        skin=_SKINS[random.integers(len(_SKINS))],
        hair=_HAIRS[random.integers(len(_HAIRS))],
        haircut=str(random.choice(_HAIRCUTS)),
        hat=str(random.choice(_HATS)),
        hat_colour=_worn(random, int(random.integers(len(_CLOTHES)))),
        top=top,
        pattern=str(random.choice(_PATTERNS)),
        top_colour=top_colour,
        second_colour=second,
        bottom="none" if top == "dress" else str(random.choice(_BOTTOMS)),
        bottom_colour=_worn(random, first + int(random.integers(1, len(_CLOTHES)))),
        shoes=_worn(random, int(random.integers(len(_CLOTHES)))),
        bag=str(random.choice(_BAGS)),
        bag_colour=_worn(random, first + int(random.integers(1, len(_CLOTHES)))),
        stature=float(random.uniform(0.90, 1.0)),
        girth=float(random.uniform(0.86, 1.24)),
    )


def _worn(random: Generator, index: int) -> Colour:
    red, green, blue = np.asarray(_CLOTHES[index % len(_CLOTHES)]) * random.uniform(0.9, 1.05) + random.normal(0, 5, 3)
    return float(red), float(green), float(blue)


def pose_of(random: Generator) -> Pose:
    """Draw a pose by chance."""
    facing = random.choice([0.0, 0.5, 1.0, 1.5]) * np.pi
    return Pose(
        turn=float(facing + random.normal(0, 0.35)),
        stride=float(random.uniform(-1, 1)),
        swing=float(random.uniform(-1, 1)),
        lean=float(random.normal(0, 0.012)),
    )
