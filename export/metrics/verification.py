"""Verification, 1:1: how often two images of one person are missed and two people are taken for one.

FMR is the share of impostor pairs within the threshold, FNMR the share of genuine pairs beyond it (ISO/IEC
19795-1); TAR at a FAR is 1 - FNMR at the threshold whose FMR is at most that. Genuine pairs are two images of one
person by different cameras (an image whose camera is not known has a camera of its own).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from export.metrics.intervals import Estimate, bootstrap_mean
from export.metrics.retrieval import Labels
from gallery.domain import Embedding

MAX_IMAGES = 3000  # 4.5 million pairs; a larger set is thinned evenly, which the figures' n shows
CURVE_POINTS = 400


@dataclass(frozen=True)
class Pairs:
    """Distances of genuine and impostor pairs; ``genuine_identity`` says whose each genuine pair is."""

    genuine: NDArray[np.float32]
    genuine_identity: NDArray[np.int64]
    impostor: NDArray[np.float32]


@dataclass(frozen=True)
class Curve:
    """FMR and FNMR at rising thresholds: float64 [points] each."""

    threshold: NDArray[np.float64]
    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]


def all_pairs(embeddings: Embedding, labels: Labels, *, max_images: int = MAX_IMAGES) -> Pairs:
    """Compare every image with every later one. ``embeddings`` are unit float32 [n, d]."""
    rows = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), max_images)).astype(np.int64))
    vectors, kept = embeddings[rows], labels.of_rows(rows)
    left, right = np.triu_indices(len(rows), 1)
    distances = (1.0 - vectors @ vectors.T)[left, right]
    same_person = kept.identities[left] == kept.identities[right]
    genuine = same_person & (kept.cameras[left] != kept.cameras[right])
    return Pairs(distances[genuine], kept.identities[left[genuine]], np.sort(distances[~same_person]))


def largest_threshold(others: NDArray[np.float32], rate: float) -> float:
    """Return the largest threshold that at most ``rate`` of ``others`` are within: the basis of every rate asked for.

    ``others`` are the distances that should not match (impostor pairs, or strangers' nearest templates).
    Without any, or when none may match, the threshold lies just below the nearest of them; with rate 1 it is 2.
    """
    allowed = int(np.floor(rate * len(others) + 1e-9))
    if allowed >= len(others):
        return 2.0
    refused = np.partition(others, allowed)[allowed]
    return float(np.nextafter(np.float32(refused), np.float32(-np.inf)))


def tar_at_far(pairs: Pairs, rate: float) -> Estimate:
    """Estimate the share of genuine pairs accepted where at most ``rate`` of impostor pairs are."""
    threshold = largest_threshold(pairs.impostor, rate)
    return bootstrap_mean(pairs.genuine <= threshold, pairs.genuine_identity, "genuine pairs")


def curve(pairs: Pairs) -> Curve:
    """Return FMR and FNMR at thresholds spread evenly over both kinds of distances."""
    both = np.sort(np.concatenate([pairs.genuine, pairs.impostor])).astype(np.float64)
    spread = np.concatenate(
        [np.quantile(one, np.linspace(0, 1, CURVE_POINTS)) for one in (pairs.genuine, pairs.impostor) if len(one)]
    )
    rare = np.sort(pairs.impostor)[:CURVE_POINTS].astype(np.float64)  # the low-FMR end, where a DET is read
    threshold = np.unique(np.concatenate([both[:1] - 1e-6, spread, rare]))
    return Curve(threshold, _share_within(pairs.impostor, threshold), 1 - _share_within(pairs.genuine, threshold))


def equal_error_rate(pairs: Pairs) -> Estimate:
    """Estimate the EER: the mean of FMR and FNMR at that distance seen where they are nearest to each other.

    The interval is that of FNMR there, over people; FMR rests on so many more pairs that it adds little.
    """
    threshold = np.unique(np.concatenate([pairs.genuine, pairs.impostor]))
    fmr = _share_within(pairs.impostor, threshold.astype(np.float64))
    fnmr = 1 - _share_within(pairs.genuine, threshold.astype(np.float64))
    nearest = int(np.argmin(np.abs(fmr - fnmr)))
    missed = bootstrap_mean(pairs.genuine > threshold[nearest], pairs.genuine_identity, "genuine pairs")
    return replace(missed, value=float((fmr[nearest] + fnmr[nearest]) / 2))


def _share_within(distances: NDArray[np.float32], threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    within = np.searchsorted(np.sort(distances).astype(np.float64), threshold, side="right")
    return np.asarray(within / max(1, len(distances)), np.float64)
