"""What can be measured of one person's picture, and whether it is good enough to judge.

Pixels are measured before the network sees them, on the crop as it was taken; strangeness afterwards, on the
embedding. Which limits cost whom how much is measured by `gallery-export quality`.
"""

from bisect import bisect_left
from dataclasses import replace
from itertools import accumulate

import cv2
import numpy as np

from gallery.domain import (
    QUALITY_HEIGHT,
    QUALITY_WIDTH,
    Embedding,
    Pixels,
    Quality,
    QualityLimits,
    QualityReason,
)

# Measured on Market-1501 people outside training, networks of 128x64: a probe's limits lie where the rank-1 error
# has about doubled, an enrolment's where it has grown by about half, since every later probe meets a template.
# Strangeness is a distance of one model's space, so its limit comes with that model's centroids.
RECOMMENDED_PROBE = QualityLimits(
    min_width=16,
    min_height=32,
    min_sharpness=0.14,
    min_brightness=0.12,
    max_brightness=0.8,
    min_contrast=0.25,
    min_aspect=1.1,
    max_aspect=3.6,
)
RECOMMENDED_ENROLMENT = QualityLimits(
    min_width=24,
    min_height=48,
    min_sharpness=0.18,
    min_brightness=0.14,
    max_brightness=0.75,
    min_contrast=0.3,
    min_aspect=1.4,
    max_aspect=3.2,
)

_BLUR = 5  # pixels
_MARGIN = _BLUR // 2
_FLAT = 1e-3  # grey levels a pixel: less variation than this is none
# in four directions: each pixel's neighbour and itself, and the same five pixels apart in a picture with a margin
_DIRECTIONS = (
    (np.s_[:, 1:], np.s_[:, :-1], np.s_[2:-2, 5:], np.s_[2:-2, :-5]),
    (np.s_[1:, :], np.s_[:-1, :], np.s_[5:, 2:-2], np.s_[:-5, 2:-2]),
    (np.s_[1:, 1:], np.s_[:-1, :-1], np.s_[5:, 5:], np.s_[:-5, :-5]),
    (np.s_[1:, :-1], np.s_[:-1, 1:], np.s_[5:, :-5], np.s_[:-5, 5:]),
)


def measure(crop: Pixels, size: tuple[int, int] | None = None) -> Quality:
    """Measure a uint8 RGB crop [height, width, 3] at its original size; an empty one measures zero throughout.

    ``size`` is the original (height, width) of a crop that was decoded smaller, though not below QUALITY_HEIGHT x
    QUALITY_WIDTH; None means that it was not.
    ``brightness`` is the median of the luma and ``contrast`` its 95th less its 5th percentile, as shares of 255.
    ``sharpness`` in [0, 1] is the share of the change between neighbouring pixels that a 5-pixel blur takes away,
    at 128x64, in the direction where it takes least: the no-reference blur metric of Crete et al., "The blur effect"
    (SPIE 6492, 2007), in four directions instead of two, since motion blurs along one.
    """
    height, width = crop.shape[:2] if size is None else size
    if crop.size == 0:
        return Quality(width, height, sharpness=0.0, brightness=0.0, contrast=0.0)
    grey = _luma(crop)
    low, median, high = _percentiles(grey)
    return Quality(
        width,
        height,
        sharpness=_sharpness(grey),
        brightness=median / 255,
        contrast=(high - low) / 255,
    )


def with_strangeness(quality: Quality, embedding: Embedding, centroids: Embedding) -> Quality:
    """Add the cosine distance of ``embedding`` [d] to the nearest of ``centroids`` [k, d], all of unit length."""
    nearest = float(np.einsum("kd,d->k", centroids, embedding).max())  # no BLAS: its threads would fight the workers
    return replace(quality, strangeness=min(2.0, max(0.0, 1.0 - nearest)))


def judged(quality: Quality, limits: QualityLimits) -> Quality:
    """Fill in ``reasons``: every limit that the picture breaks, in the order of the enum.

    A limit on strangeness is not broken before there is an embedding.
    """
    aspect = quality.height / max(quality.width, 1)
    strangeness = quality.strangeness
    broken = {
        QualityReason.TOO_SMALL: _below(quality.width, limits.min_width) or _below(quality.height, limits.min_height),
        QualityReason.BLURRED: _below(quality.sharpness, limits.min_sharpness),
        QualityReason.TOO_DARK: _below(quality.brightness, limits.min_brightness),
        QualityReason.TOO_BRIGHT: _above(quality.brightness, limits.max_brightness),
        QualityReason.LOW_CONTRAST: _below(quality.contrast, limits.min_contrast),
        QualityReason.UNLIKELY_SHAPE: _below(aspect, limits.min_aspect) or _above(aspect, limits.max_aspect),
        QualityReason.UNLIKE_A_PERSON: strangeness is not None and _above(strangeness, limits.max_strangeness),
    }
    reasons = tuple(reason for reason, is_broken in broken.items() if is_broken)
    return quality if reasons == quality.reasons else replace(quality, reasons=reasons)


def _luma(crop: Pixels) -> Pixels:
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    if (height, width) != (QUALITY_HEIGHT, QUALITY_WIDTH):
        shrinking = height >= QUALITY_HEIGHT and width >= QUALITY_WIDTH
        interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        grey = cv2.resize(grey, (QUALITY_WIDTH, QUALITY_HEIGHT), interpolation=interpolation)
    return grey.astype(np.uint8, copy=False)


def _percentiles(grey: Pixels) -> tuple[int, int, int]:
    """Return the 5th, the 50th and the 95th, counted: a tenth of the time of sorting."""
    up_to = list(accumulate(cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().tolist()))
    low, median, high = (bisect_left(up_to, share * grey.size) for share in (0.05, 0.5, 0.95))
    return low, median, high


def _sharpness(grey: Pixels) -> float:
    """Compare neighbours with what a blur along each direction would leave of their difference.

    Two neighbouring means of five differ by the pixels that only one of them has: the blur need not be made.
    """
    wide = cv2.copyMakeBorder(grey, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REFLECT_101)
    kept = []
    for ahead, behind, far_ahead, far_behind in _DIRECTIONS:
        before = cv2.norm(grey[ahead], grey[behind], cv2.NORM_L1)
        after = cv2.norm(wide[far_ahead], wide[far_behind], cv2.NORM_L1) / _BLUR
        kept.append(after / before if before > _FLAT * grey.size else 1.0)
    return max(0.0, 1.0 - max(kept))


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit
