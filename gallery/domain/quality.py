"""How well a picture of a person can be judged: what is measured, and what is asked."""

from dataclasses import dataclass
from enum import StrEnum

# Every picture is measured at one size, so that small and large ones compare: the pixels it must have kept till then.
QUALITY_HEIGHT, QUALITY_WIDTH = 128, 64


class QualityReason(StrEnum):
    """Why a picture cannot be judged."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    LOW_CONTRAST = "low_contrast"
    UNLIKELY_SHAPE = "unlikely_shape"
    UNLIKE_A_PERSON = "unlike_a_person"


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of one person's picture; `gallery.quality` says how.

    ``width`` and ``height`` are pixels, ``brightness`` and ``contrast`` are shares of full scale in [0, 1],
    ``sharpness`` is at least 0, ``strangeness`` is a share of the embedding in [0, 1] (None before embedding,
    and of a model that cannot tell), and ``reasons`` are the limits that it broke.
    """

    width: int
    height: int
    sharpness: float
    brightness: float
    contrast: float
    strangeness: float | None = None
    reasons: tuple[QualityReason, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """What a picture must reach to be judged; None asks nothing."""

    min_width: int | None = None
    min_height: int | None = None
    min_sharpness: float | None = None
    min_brightness: float | None = None
    max_brightness: float | None = None
    min_contrast: float | None = None
    min_aspect: float | None = None
    max_aspect: float | None = None
    max_strangeness: float | None = None
