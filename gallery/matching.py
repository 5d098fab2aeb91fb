"""From distances to identities to a decision. Pure functions; nothing here knows where templates are kept."""

from collections.abc import Sequence

import numpy as np

from gallery.domain import Basis, Candidate, Embedding, Identification, Neighbour, Region


def cosine_distance(one: Embedding, other: Embedding) -> float:
    """Return ``1 - cos`` of two unit vectors, clipped to [0, 2] against rounding."""
    return float(np.clip(1.0 - np.dot(one, other), 0.0, 2.0))


def rank(neighbours: Sequence[Neighbour], max_candidates: int) -> tuple[Candidate, ...]:
    """Fold templates into identities: an identity is as near as its nearest template; nearest first.

    Ties are broken by identity id, so that the same gallery always gives the same answer.
    """
    nearest: dict[str, Neighbour] = {}
    for neighbour in sorted(neighbours, key=lambda near: (near.distance, near.identity_id)):
        nearest.setdefault(neighbour.identity_id, neighbour)
    ranked = list(nearest.values())[:max_candidates]
    return tuple(Candidate(near.identity_id, near.distance, near.template_id) for near in ranked)


def decide(region: Region | None, candidates: tuple[Candidate, ...], basis: Basis) -> Identification:
    """Answer whether the nearest candidate is within the threshold; nobody near is an answer too."""
    matched = bool(candidates) and candidates[0].distance <= basis.threshold
    return Identification(region, matched, candidates, basis)
