"""What the gallery's own templates say of the people in it: how near they come back, and who they are mistaken for.

Each template of an identity with two or more is asked about as if it were a probe, against the others of its
identity and against everybody else. Where cameras are known, the identity's templates from the probe's own camera
are left out, unless there are no others: two frames of one moment would flatter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.calibration.enrolled import Enrolled
from gallery.domain import Fusion, Interval
from gallery.matching import identity_distances

DEFAULT_MARGIN = 0.02
_RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Genuine:
    """One row a template asked about: its distance to its own identity, to the nearest other, and whose it is."""

    own: NDArray[np.float64]
    other: NDArray[np.float64]
    owners: NDArray[np.int64]

    def found(self, threshold: float, margin: float) -> NDArray[np.bool_]:
        """Tell which would be a MATCH with the right identity."""
        clear = (self.other > threshold) | (self.other - self.own >= margin)
        return np.asarray((self.own <= threshold) & (self.own < self.other) & clear, np.bool_)

    def mistaken(self, threshold: float, margin: float) -> NDArray[np.bool_]:
        """Tell which would be a MATCH with a wrong identity."""
        clear = (self.own > threshold) | (self.own - self.other >= margin)
        return np.asarray((self.other <= threshold) & (self.other <= self.own) & clear, np.bool_)


def genuine(enrolled: Enrolled, other: NDArray[np.float64], rows: NDArray[np.int64], fusion: Fusion) -> Genuine:
    """Ask about the templates ``rows``, whose distances to the nearest other identity are ``other``."""
    by_owner = [np.flatnonzero(enrolled.owners == owner) for owner in range(enrolled.identity_count)]
    own, kept = [], []
    for place, row in enumerate(rows):
        rest = by_owner[enrolled.owners[row]]
        rest = rest[rest != row]
        apart = rest[[enrolled.apart(int(row), int(mate)) for mate in rest]] if len(rest) else rest
        rest = apart if len(apart) else rest
        if len(rest):
            probe, mates = enrolled.templates[row : row + 1], enrolled.templates[rest]
            own.append(float(identity_distances(probe, mates, np.zeros(len(rest), np.int64), fusion)[0, 0]))
            kept.append(place)
    return Genuine(np.asarray(own, np.float64), other[kept], enrolled.owners[rows[kept]])


def margin_for(found: Genuine, threshold: float, target: float) -> float:
    """Return the least margin at which at most ``target`` of the matches name a wrong identity.

    Fewer than 1/target matches cannot show such a share: DEFAULT_MARGIN then, and never less than that.
    """
    for margin in np.linspace(DEFAULT_MARGIN, 0.2, 37):
        right = int(found.found(threshold, margin).sum())
        wrong = int(found.mistaken(threshold, margin).sum())
        if right + wrong < 1.0 / target:
            return DEFAULT_MARGIN
        if wrong <= target * (right + wrong):
            return float(margin)
    return DEFAULT_MARGIN


def tpir(found: Genuine, threshold: float, margin: float, seed: int) -> Interval | None:
    """Estimate the share of enrolled people found, people weighing the same; 95% bootstrap over people."""
    if not len(found.own):
        return None
    shares = person_means(found.found(threshold, margin), found.owners)
    drawn = np.random.default_rng(seed).integers(0, len(shares), (_RESAMPLES, len(shares)))
    low, high = np.quantile(shares[drawn].mean(axis=1), [0.025, 0.975])
    return Interval(float(shares.mean()), float(low), float(high), len(shares))


def person_means(values: NDArray[np.bool_], owners: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average ``values`` [n] over each owner's own: float64 [owners that have some]."""
    _, codes, counts = np.unique(owners, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(codes, values) / counts, np.float64)
