"""The figure that chooses: rank-1 and mAP on held-out people, by the Market protocol.

One query a person and camera; the person's own images of that camera are left out of its gallery
(Zheng et al., ICCV 2015). Without cameras every image is a query against all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.dataset import Sample


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Shares in [0, 1] over ``queries`` queries that have a right answer in their gallery."""

    rank1: float
    mean_average_precision: float
    queries: int


def retrieval(embeddings: NDArray[np.float32], samples: Sequence[Sample]) -> Retrieval:
    """Rank unit rows [n, d] of ``samples`` by cosine."""
    people = np.array([sample.identity for sample in samples])
    cameras = np.array([sample.camera or f"image {row}" for row, sample in enumerate(samples)])
    first, precisions = [], []
    seen: set[tuple[str, str]] = set()
    for row, key in enumerate(zip(people.tolist(), cameras.tolist(), strict=True)):
        if key in seen:
            continue
        seen.add(key)
        kept = (people != people[row]) | (cameras != cameras[row])
        right = (people[kept] == people[row])[np.argsort(-(embeddings[kept] @ embeddings[row]), kind="stable")]
        if not right.any():
            continue
        first.append(bool(right[0]))
        ranks = np.flatnonzero(right)
        precisions.append(float(np.mean(np.arange(1, len(ranks) + 1) / (ranks + 1))))
    if not first:
        return Retrieval(0.0, 0.0, 0)
    return Retrieval(float(np.mean(first)), float(np.mean(precisions)), len(first))
