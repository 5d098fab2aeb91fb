"""From distances to identities to a decision. Pure functions; nothing here knows where templates are kept."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gallery.domain import (
    Basis,
    Candidate,
    Embedding,
    Fusion,
    Identification,
    Neighbour,
    Outcome,
    Quality,
    Region,
    Template,
)

TOP_K = 3


def cosine_distance(one: Embedding, other: Embedding) -> float:
    """Return ``1 - cos`` of two unit vectors, clipped to [0, 2] against rounding."""
    return float(np.clip(1.0 - np.dot(one, other), 0.0, 2.0))


def rank(neighbours: Sequence[Neighbour], max_candidates: int) -> tuple[Candidate, ...]:
    """Fold templates into identities: an identity is as near as its nearest template (`Fusion.BEST`); nearest first.

    Ties are broken by identity id, so that the same gallery always gives the same answer.
    """
    nearest: dict[str, Neighbour] = {}
    for neighbour in sorted(neighbours, key=lambda near: (near.distance, near.identity_id)):
        nearest.setdefault(neighbour.identity_id, neighbour)
    ranked = list(nearest.values())[:max_candidates]
    return tuple(Candidate(near.identity_id, near.distance, near.template_id) for near in ranked)


def rank_fused(
    probe: Embedding, templates: Sequence[Template], fusion: Fusion, max_candidates: int
) -> tuple[Candidate, ...]:
    """Rank identities by the fused distance of ``templates``, which hold every template of each identity among them.

    A candidate's template is the nearest of the identity's, whatever the rule. Ties are broken by identity id.
    """
    if not templates:
        return ()
    vectors = np.stack([template.embedding for template in templates])
    names, owners = np.unique([template.info.identity_id for template in templates], return_inverse=True)
    alone = 1.0 - vectors @ probe
    fused = identity_distances(probe[None], vectors, owners.astype(np.int64), fusion)[0]
    order = np.argsort(fused, kind="stable")[:max_candidates]  # names are sorted, so ties fall to the first of them
    candidates = []
    for place in order:
        own = np.flatnonzero(owners == place)
        nearest = templates[int(own[np.argmin(alone[own])])]
        candidates.append(Candidate(str(names[place]), float(fused[place]), nearest.info.template_id))
    return tuple(candidates)


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
        means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.finfo(np.float32).tiny)
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


def _mean_of_nearest(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    kept = min(TOP_K, distances.shape[1])
    nearest: NDArray[np.float32] = np.partition(distances, kept - 1, axis=1)[:, :kept].mean(axis=1)
    return nearest


def _clipped(distances: Embedding) -> NDArray[np.float32]:
    return np.clip(distances, 0.0, 2.0).astype(np.float32)
