"""What can be measured of one person's picture, and whether it is good enough to judge.

Pixels are measured as the network sees them, strangeness afterwards, on the embedding. Which limits cost whom how
much is measured by `gallery-export quality`.
"""

import math
from dataclasses import replace

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

# Measured on Market-1501 people outside training, network 2.0.0 of 192x96: a probe's limits lie where the rank-1 error
# has about doubled, an enrolment's where it has grown by about half, since every later probe meets a template.
# Strangeness is a share of one model's space, so its limit comes with that model (`gallery model info`).
RECOMMENDED_PROBE = QualityLimits(
    min_width=16,
    min_height=32,
    min_sharpness=0.1,
    min_brightness=0.13,
    max_brightness=0.72,
    min_contrast=0.18,
    min_aspect=1.1,
    max_aspect=3.6,
)
RECOMMENDED_ENROLMENT = QualityLimits(
    min_width=24,
    min_height=48,
    min_sharpness=0.135,
    min_brightness=0.155,
    max_brightness=0.65,
    min_contrast=0.21,
    min_aspect=1.4,
    max_aspect=3.2,
)

_BLUR = 5  # pixels
_FLAT = 1e-3  # grey levels a pixel: less variation than this is none
# in four directions: each pixel's neighbour and itself, and the same a blur apart
_DIRECTIONS = (
    (np.s_[:, 1:], np.s_[:, :-1], np.s_[:, _BLUR:], np.s_[:, :-_BLUR]),
    (np.s_[1:, :], np.s_[:-1, :], np.s_[_BLUR:, :], np.s_[:-_BLUR, :]),
    (np.s_[1:, 1:], np.s_[:-1, :-1], np.s_[_BLUR:, _BLUR:], np.s_[:-_BLUR, :-_BLUR]),
    (np.s_[1:, :-1], np.s_[:-1, 1:], np.s_[_BLUR:, :-_BLUR], np.s_[:-_BLUR, _BLUR:]),
)


def measure(picture: Pixels, size: tuple[int, int]) -> Quality:
    """Measure one person's picture, uint8 RGB [height, width, 3], as it was fitted to a network.

    ``picture`` has at least QUALITY_HEIGHT x QUALITY_WIDTH pixels, and ``size`` is the (height, width) of the crop
    that it was made from. All is measured in its luma at 128x64, where the pixels are in the cache already.
    ``brightness`` is the mean and ``contrast`` twice the standard deviation, as shares of 255.
    ``sharpness`` in [0, 1] is the share of the change between neighbouring pixels that a 5-pixel blur takes away, in
    the direction where it takes least: the no-reference blur metric of Crete et al., "The blur effect" (SPIE 6492,
    2007), in four directions instead of two, since motion blurs along one.
    """
    height, width = size
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if grey.shape != (QUALITY_HEIGHT, QUALITY_WIDTH):
        grey = cv2.resize(grey, (QUALITY_WIDTH, QUALITY_HEIGHT), interpolation=cv2.INTER_LINEAR)
    mean = cv2.norm(grey, cv2.NORM_L1) / grey.size
    variance = cv2.norm(grey, cv2.NORM_L2SQR) / grey.size - mean * mean
    return Quality(
        width,
        height,
        sharpness=_sharpness(grey.astype(np.uint8, copy=False)),
        brightness=mean / 255,
        contrast=2 * math.sqrt(max(0.0, variance)) / 255,
    )


def strangeness(embeddings: Embedding, directions: Embedding) -> list[float]:
    """Return the share of each unit row x of ``embeddings`` [n, d] outside the span of orthonormal ``directions`` P.

    It is 1 - |P x|², in [0, 1], P [k, d]: the squared residual of a principal component model (Jackson and Mudholkar,
    "Control procedures for residuals associated with principal component analysis", Technometrics 21, 1979), which
    tells what a network was not trained for (Wang et al., "ViM", CVPR 2022). Not ``@``: BLAS's threads would fight the
    workers, and what a row gives would depend on the rows beside it.
    """
    within = np.vecdot(embeddings[:, None], directions)
    return [max(0.0, 1.0 - share) for share in np.vecdot(within, within).tolist()]


def with_strangeness(quality: Quality, strangeness: float) -> Quality:
    """Add what is known once there is an embedding; `dataclasses.replace` takes four times as long, every probe."""
    return Quality(
        quality.width,
        quality.height,
        quality.sharpness,
        quality.brightness,
        quality.contrast,
        strangeness,
        quality.reasons,
    )


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


def _sharpness(grey: Pixels) -> float:
    """Compare neighbours with what a blur along each direction would leave of their difference.

    Two neighbouring means of five differ by the pixels that only one of them has: the blur need not be made.
    """
    kept = []
    for ahead, behind, far_ahead, far_behind in _DIRECTIONS:
        near, far = grey[ahead], grey[far_ahead]
        before = cv2.norm(near, grey[behind], cv2.NORM_L1) / near.size
        after = cv2.norm(far, grey[far_behind], cv2.NORM_L1) / far.size / _BLUR
        kept.append(after / before if before > _FLAT else 1.0)
    return max(0.0, 1.0 - max(kept))


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit
