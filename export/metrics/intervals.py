"""How sure a figure is: an estimate with its 95% interval and how many it rests on.

Images of one person are not independent; people are. So means over images are resampled by identity, and the
Wilson interval is for proportions of independent trials only.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959963984540054
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95% interval, and ``n`` of ``unit`` it rests on ('queries', 'probes', 'trials', …).

    ``people`` is how many independent identities these are of, where the interval is one over identities.
    """

    value: float
    low: float
    high: float
    n: int
    unit: str
    people: int | None = None

    def __str__(self) -> str:
        """Write the figure as it is read aloud: value [low–high], n."""
        of = "" if self.people is None else f" of {self.people} people"
        return f"{self.value:.3f} [{self.low:.3f}–{self.high:.3f}], n={self.n} {self.unit}{of}"


def wilson(successes: int, trials: int, unit: str = "trials") -> Estimate:
    """Estimate a proportion of independent trials; Wilson's score interval, 95%.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    Without trials the value is NaN and the interval is [0, 1].
    """
    if trials == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0, unit)
    share = successes / trials
    return Estimate(share, *wilson_interval(share, trials), trials, unit)


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's 95% interval of a share of ``n`` > 0 independent trials, an effective number perhaps."""
    centre = share + Z_95**2 / (2 * n)
    margin = Z_95 * sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    scale = 1 + Z_95**2 / n
    return max(0.0, min((centre - margin) / scale, share)), min(1.0, max((centre + margin) / scale, share))


def bootstrap_mean(
    values: ArrayLike, groups: ArrayLike, unit: str, *, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """Estimate the mean of ``values`` [n]; percentile bootstrap over whole ``groups`` [n] (identities), 95%.

    Source: the cluster bootstrap of Davison and Hinkley, "Bootstrap Methods and their Application" (1997), 3.8.
    Without values the value is NaN and the interval too.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.size == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0, unit, 0)
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(codes, numbers).astype(np.float64)
    counts = np.bincount(codes).astype(np.float64)
    means = _resampled_means(sums, counts, seed, resamples)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(numbers.mean()), float(low), float(high), numbers.size, unit, len(sums))


def _resampled_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int, resamples: int
) -> NDArray[np.float64]:
    groups = len(sums)
    drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=resamples)
    means: NDArray[np.float64] = (drawn @ sums) / (drawn @ counts)
    return means
