"""From distances to identities to a decision. Pure functions; nothing here knows where templates are kept."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gallery.domain import (
    MAX_DISTANCE,
    Basis,
    Candidate,
    Embedding,
    Fusion,
    Identification,
    Neighbour,
    Outcome,
    Quality,
    Region,
)

TOP_K = 3

_CONSIDERED_AT_LEAST, _CONSIDERED_FOR_EACH = 16, 2
_TINY = float(np.finfo(np.float32).tiny)


def cosine_distance(one: Embedding, other: Embedding) -> float:
    """Return ``1 - cos`` of two unit vectors, clipped to [0, 2] against rounding."""
    return float(np.clip(1.0 - np.dot(one, other), 0.0, 2.0))


def cosine_distances(embeddings: Sequence[Embedding]) -> NDArray[np.float32]:
    """Return the distances of n unit vectors to each other, [n, n], in [0, 2]."""
    rows = np.stack(embeddings)
    return _clipped(1.0 - rows @ rows.T)


def considered(limit: int, fusion: Fusion) -> int:
    """Say how many identities, those that have the nearest templates, are ranked to find the nearest ``limit``.

    By the nearest template those are the same. By the other rules several templates together can lie nearer than the
    best of them alone, so many more are ranked than are asked for.
    """
    return limit if fusion is Fusion.BEST else max(_CONSIDERED_AT_LEAST, _CONSIDERED_FOR_EACH * limit)


def rank(
    neighbours: Sequence[Neighbour],
    max_candidates: int,
    fusion: Fusion = Fusion.BEST,
    mean_lengths: Mapping[str, float] = MappingProxyType({}),
) -> tuple[Candidate, ...]:
    """Fold templates into identities by the fused distance of each; nearest first, ties broken by identity id.

    ``neighbours`` hold, of each identity among them, every template that counts, or for BEST the nearest at least.
    The distances are those of `identity_distances`. MEAN asks for each identity's `mean_length`, since the distance
    to the normalised mean of templates t is ``1 - mean(p . t) / |mean(t)|``; an identity without one is left out.
    A candidate's template is the nearest of the identity's, whatever the rule.
    """
    groups: dict[str, list[Neighbour]] = {}
    for neighbour in sorted(neighbours, key=lambda near: (near.distance, near.identity_id, near.template_id)):
        groups.setdefault(neighbour.identity_id, []).append(neighbour)
    if fusion is Fusion.MEAN:
        groups = {identity_id: group for identity_id, group in groups.items() if identity_id in mean_lengths}
    candidates = []
    for identity_id, group in groups.items():
        fused = _fused([near.distance for near in group], fusion, mean_lengths.get(identity_id, 1.0))
        candidates.append(Candidate(identity_id, fused, group[0].template_id))
    return tuple(sorted(candidates, key=lambda near: (near.distance, near.identity_id))[:max_candidates])


def mean_length(embeddings: Sequence[Embedding]) -> float:
    """Return the length of the mean of unit vectors, in [0, 1]: 1 where all are the same."""
    total = np.sum(embeddings, axis=0, dtype=np.float64)
    return math.sqrt(np.dot(total, total)) / len(embeddings)


def identity_distances(
    probes: Embedding, templates: Embedding, owners: NDArray[np.int64], fusion: Fusion
) -> NDArray[np.float32]:
    """Return each probe's distance to each identity: float32 [probes, identities], in [0, 2].

    ``probes`` [p, d] and ``templates`` [n, d] are unit rows; ``owners`` [n] numbers each template's identity from 0,
    every number used. BEST is the nearest template's distance; MEAN is the distance to the normalised mean of the
    templates; TOP_K is the mean distance of the three nearest templates, or of all where there are fewer.
    """
    order = np.argsort(owners, kind="stable")
    first = np.flatnonzero(np.diff(owners[order], prepend=-1))
    if fusion is Fusion.MEAN:
        sums = np.add.reduceat(templates[order], first, axis=0)
        means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), _TINY)
        return _clipped(1.0 - probes @ means.T)
    distances = 1.0 - probes @ templates[order].T
    if fusion is Fusion.BEST:
        return _clipped(np.minimum.reduceat(distances, first, axis=1))
    groups = np.split(distances, first[1:], axis=1)
    return _clipped(np.stack([_mean_of_nearest(group) for group in groups], axis=1))


def decide(region: Region | None, candidates: tuple[Candidate, ...], basis: Basis, quality: Quality) -> Identification:
    """Say what became of a probe. ``candidates`` are nearest first, two of them at least where the gallery has two.

    REJECTED when ``quality`` names a reason; NO_MATCH when nobody is within the threshold; AMBIGUOUS when two are,
    closer to each other than the margin; else MATCH. A distance equal to the threshold is within it.
    """
    within = [near for near in candidates[:2] if near.distance <= basis.threshold]
    if quality.reasons:
        outcome = Outcome.REJECTED
    elif not within:
        outcome = Outcome.NO_MATCH
    elif len(within) == 2 and within[1].distance - within[0].distance < basis.margin:
        outcome = Outcome.AMBIGUOUS
    else:
        outcome = Outcome.MATCH
    margin = candidates[1].distance - candidates[0].distance if len(candidates) > 1 else None
    return Identification(region, outcome, candidates, margin, basis, quality)


def _fused(distances: Sequence[float], fusion: Fusion, length: float) -> float:
    """Fuse the distances of one identity's templates, nearest first; ``length`` is their `mean_length`."""
    if fusion is Fusion.BEST:
        return distances[0]
    if fusion is Fusion.TOP_K:
        return sum(distances[:TOP_K]) / len(distances[:TOP_K])
    cosine = 1.0 - sum(distances) / len(distances)
    return min(max(1.0 - cosine / max(length, _TINY), 0.0), MAX_DISTANCE)


def _mean_of_nearest(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    kept = min(TOP_K, distances.shape[1])
    nearest: NDArray[np.float32] = np.partition(distances, kept - 1, axis=1)[:, :kept].mean(axis=1)
    return nearest


def _clipped(distances: Embedding) -> NDArray[np.float32]:
    return np.clip(distances, 0.0, 2.0).astype(np.float32)
