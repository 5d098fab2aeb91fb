"""The law that distances to strangers follow near zero, fitted to few and clustered people.

Near zero the share of (stranger, identity) pairs nearer than d grows as a power of d, ln F(d) = a + k·ln d, where k
is half the number of directions in which embeddings vary there (Levina and Bickel, "Maximum Likelihood Estimation of
Intrinsic Dimension", NIPS 2004): it holds over four decades of F on people outside training. So the nearest of N
identities is a Weibull variable, P(nearest <= d) = 1 - exp(-N·F(d)), whose exponent every near pair teaches, and whose
scale the strangers nearest to the gallery teach (`tail_share`). A quantile of 1% read off 50 people rests on the one
or two unlucky ones among them; this halves its standard deviation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.domain import Tail

_MOST_OF_THE_TAIL, _PEOPLE_IN_THE_TAIL, _TARGETS_IN_THE_TAIL = 0.1, 7, 3
_MIN_DISTANCE = 1e-6
_MIN_PAIRS = 200
_RESAMPLES = 400
_HALVINGS = 30

Floats = NDArray[np.float64]


def tail_share(people: int, target: float) -> float:
    """Return which share of the scores of so many strangers teaches the law: the nearest tenth, of many people less.

    The law holds near zero, so the nearer the better, as long as some people are left and the target is among what is
    seen. Measured: with 225 strangers the nearest 3% realised 1.1 to 1.3% at a target of 1%, the nearest tenth 1.2 to
    1.4%; with 25 strangers both are as good.
    """
    return max(target, min(_MOST_OF_THE_TAIL, max(_TARGETS_IN_THE_TAIL * target, _PEOPLE_IN_THE_TAIL / people)))


@dataclass(frozen=True, eq=False)
class PairCounts:
    """What the pairs nearer than a limit teach of the exponent: one row a stranger, per picture of theirs.

    ``counts`` are how many such pairs, ``logs`` the sums of ln(limit / d); the maximum-likelihood exponent is
    sum(counts) / sum(logs) (Hill, "A simple general approach to inference about the tail of a distribution", 1975).
    """

    counts: Floats
    logs: Floats

    def exponent(self, weights: Floats) -> float:
        """Estimate k with each stranger counted ``weights`` [people] times; between 1 and 50."""
        counts, logs = float(weights @ self.counts), float(weights @ self.logs)
        return min(50.0, max(1.0, counts / max(logs, 1e-9)))


def count_pairs(distances: Floats, persons: NDArray[np.int64], people: int, share: float) -> PairCounts:
    """Count the pairs among the nearest ``share`` of ``distances`` [pictures, identities]; ``persons`` [pictures].

    ``share`` is raised where it would leave fewer than 200 pairs.
    """
    limit = max(float(np.quantile(distances, min(0.5, max(share, _MIN_PAIRS / distances.size)))), _MIN_DISTANCE)
    near = distances <= limit
    contribution = np.where(near, np.log(limit / np.maximum(distances, _MIN_DISTANCE)), 0.0)
    pictures = np.maximum(np.bincount(persons, minlength=people), 1)
    counts = np.bincount(persons, near.sum(axis=1), people)
    return PairCounts(counts / pictures, np.bincount(persons, contribution.sum(axis=1), people) / pictures)


@dataclass(frozen=True, eq=False)
class TailFit:
    """P(nearest <= d) = 1 - exp(-rate · (d / limit)^exponent), for d up to ``limit``."""

    limit: float
    rate: float
    exponent: float

    def share_within(self, distance: float) -> float:
        """Return the share of strangers nearer to somebody than ``distance``: the FPIR there."""
        return float(-np.expm1(-self.rate * (max(distance, 0.0) / self.limit) ** self.exponent))

    def distance_of(self, share: float) -> float:
        """Return the distance within which ``share`` of the strangers have somebody, in (0, 2]."""
        return float(min(2.0, self.limit * (-np.log1p(-share) / self.rate) ** (1.0 / self.exponent)))

    def tail(self, identity_count: int) -> Tail:
        """Return the same law for pairs: with N identities, N·F(d) is the Weibull's cumulated hazard."""
        slope = self.exponent
        return Tail(float(np.log(self.rate / identity_count) - slope * np.log(self.limit)), slope)


@dataclass(frozen=True, eq=False)
class Scores:
    """Each stranger's picture's distance to the nearest identity, [pictures], and whose it is, 0 to people - 1."""

    nearest: Floats
    persons: NDArray[np.int64]
    people: int

    def picture_weights(self, weights: Floats) -> Floats:
        """Share each person's weight among their pictures."""
        pictures = np.bincount(self.persons, minlength=self.people)
        return np.asarray(weights[self.persons] / pictures[self.persons], np.float64)

    def share_within(self, distance: float) -> float:
        """Return the mean over people of the share of their pictures within ``distance``."""
        within = np.bincount(self.persons, self.nearest <= distance, self.people)
        return float(np.mean(within / np.bincount(self.persons, minlength=self.people)))

    def quantile(self, share: float) -> float:
        """Return the distance that ``share`` of the strangers lie within, people weighing the same."""
        order = np.argsort(self.nearest, kind="stable")
        reached = np.cumsum(self.picture_weights(np.ones(self.people))[order]) / self.people
        place = int(np.searchsorted(reached, share - 1e-12))
        return float(self.nearest[order[min(place, len(order) - 1)]])


def fit(scores: Scores, exponent: float, limit: float, weights: Floats) -> TailFit:
    """Fit the law to the scores up to ``limit``, the rest censored, with each person counted ``weights`` times."""
    own = scores.picture_weights(weights)
    ratio = np.minimum(np.maximum(scores.nearest, _MIN_DISTANCE) / limit, 1.0)
    near = max(float(own[scores.nearest <= limit].sum()), 1e-9)
    return TailFit(limit, near / float(own @ ratio**exponent), exponent)


@dataclass(frozen=True, eq=False)
class Belief:
    """The laws that could be, given the people there were: one a bootstrap sample of them."""

    laws: tuple[TailFit, ...]

    @classmethod
    def of(cls, scores: Scores, pairs: PairCounts, limit: float, random: np.random.Generator) -> "Belief":
        """Resample people, exponent and rate together."""
        drawn = random.multinomial(scores.people, np.full(scores.people, 1.0 / scores.people), _RESAMPLES)
        weights = drawn.astype(np.float64)
        return cls(tuple(fit(scores, pairs.exponent(one), limit, one) for one in weights))

    def shares_within(self, distance: float) -> Floats:
        """Return each law's share of strangers within ``distance``."""
        return np.asarray([law.share_within(distance) for law in self.laws], np.float64)

    def distance_of(self, share: float) -> float:
        """Return the distance at which the mean of the laws' shares is ``share``: what to expect of the next stranger.

        The law that fits best would let in more than it says on average, for shares are convex in its errors.
        """
        low, high = 0.0, 2.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            low, high = (middle, high) if float(self.shares_within(middle).mean()) <= share else (low, middle)
        return low

    def interval_of(self, share: float) -> tuple[float, float]:
        """Return the 95% interval of the distance within which ``share`` of the strangers have somebody."""
        low, high = np.quantile([law.distance_of(share) for law in self.laws], [0.025, 0.975])
        return float(low), float(high)
