"""Does a track say more than its images, and does the gallery's threshold hold for it? Tried on unseen people.

A track is a person's pictures by one camera without a long pause. Half of the people are enrolled with pictures of
one camera each and looked for by their tracks of other cameras; the other half are strangers. The threshold is where
1% of the strangers' single pictures, as they were taken, match: what a calibrated gallery would apply.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.domain import Embedding

TARGET = 0.01


@dataclass(frozen=True)
class Seen:
    """Pictures of unseen people: ``embeddings`` float32 [n, d] of unit length, ``weights`` [n] by quality.

    ``identities``, ``cameras`` and ``tracks`` number each picture's, int64 [n]; a track has one person and camera.
    """

    embeddings: Embedding
    weights: NDArray[np.float64]
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]
    tracks: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rule:
    """How the pictures of a track decide: ``temper`` None is each by itself, a track's pictures weighing as one."""

    name: str
    weighted: bool = False
    temper: float | None = None


RULES = (
    Rule("single pictures"),
    Rule("fused, equal weights, not tempered", temper=0.0),
    Rule("fused, equal weights", temper=0.5),
    Rule("fused by quality", weighted=True, temper=0.5),
)
FIGURES = ("rank-1", "TPIR", "FPIR", "matched to a wrong identity")


def compare(
    clean: Seen, shown: Seen, templates: int, *, draws: int = 60, shortest: int = 3, seed: int = 0
) -> NDArray[np.float64]:
    """Measure each rule: [rules, draws, figures], on tracks of at least ``shortest`` pictures.

    ``shown`` are the same pictures as ``clean``, in the same order, as the camera sends them; enrolled and calibrated
    with are the clean ones.
    """
    people = np.unique(clean.identities)
    found = np.empty((len(RULES), draws, len(FIGURES)))
    for draw, stream in enumerate(np.random.SeedSequence(seed).spawn(draws)):
        random = np.random.default_rng(stream)
        enrolled = random.permutation(people)[: len(people) // 2]
        means, probes = [], []
        for person in enrolled:
            own = np.flatnonzero(clean.identities == person)
            there = clean.cameras[own] == random.choice(clean.cameras[own])
            chosen = random.choice(own[there], min(templates, int(there.sum())), replace=False)
            means.append(clean.embeddings[chosen].sum(axis=0))
            probes.append(own[~there])
        gallery = np.stack(means) / np.linalg.norm(means, axis=1, keepdims=True)
        strangers = np.flatnonzero(~np.isin(clean.identities, enrolled))
        threshold = float(np.quantile((1.0 - clean.embeddings[strangers] @ gallery.T).min(axis=1), TARGET))
        long = np.bincount(shown.tracks)[shown.tracks] >= shortest
        mated = np.concatenate(probes)
        for place, rule in enumerate(RULES):
            known, met = mated[long[mated]], strangers[long[strangers]]
            found[place, draw] = _figures(shown, (known, met), (gallery, enrolled), threshold, rule)
    return found


def _figures(
    shown: Seen,
    probes: tuple[NDArray[np.int64], NDArray[np.int64]],
    gallery: tuple[Embedding, NDArray[np.int64]],
    threshold: float,
    rule: Rule,
) -> Sequence[float]:
    templates, enrolled = gallery
    (known, whose, share), (met, _, weighing) = (fused(shown, rows, rule) for rows in probes)
    distances = 1.0 - known @ templates.T
    right = enrolled[distances.argmin(axis=1)] == whose
    within = distances.min(axis=1) <= threshold
    taken = (1.0 - met @ templates.T).min(axis=1) <= threshold
    return [
        float(np.average(right, weights=share)),
        float(np.average(right & within, weights=share)),
        float(np.average(taken, weights=weighing)),
        float(np.average(~right & within, weights=share)),
    ]


def fused(
    shown: Seen, rows: NDArray[np.int64], rule: Rule
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the vectors that are compared, whose they are, and how much each counts in the figures."""
    _, first, track, length = np.unique(shown.tracks[rows], return_index=True, return_inverse=True, return_counts=True)
    if rule.temper is None:
        return shown.embeddings[rows].astype(np.float64), shown.identities[rows], 1.0 / length[track]
    weights = shown.weights[rows] if rule.weighted else np.ones(len(rows))
    sums = np.zeros((len(first), shown.embeddings.shape[1]))
    np.add.at(sums, track, weights[:, None] * shown.embeddings[rows])
    lengths = np.linalg.norm(sums, axis=1)
    agreement = lengths / np.bincount(track, weights=weights)
    vectors = sums * (agreement**rule.temper / lengths)[:, None]
    return vectors, shown.identities[rows[first]], np.ones(len(first))
