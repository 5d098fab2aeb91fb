"""Whether a threshold kept its promise: what it met, how much that is worth, and what hindsight would have chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.calibration import Scores, effective_number


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """Distances to the nearest identity: the strangers', and the mated probes' with whether it is their own."""

    strangers: Scores
    nearest: NDArray[np.float64]
    right: NDArray[np.bool_]

    def tpir(self, threshold: float) -> float:
        """Return the share of mated probes whose nearest identity is theirs and within ``threshold``."""
        return float(np.mean(self.right & (self.nearest <= threshold)))


def worth(strangers: Scores, target: float) -> float:
    """Return how many independent pictures the strangers' are worth, near the distance that ``target`` lie within."""
    return effective_number(strangers, strangers.quantile(min(0.5, 3 * target)))


def hindsight(strangers: Sequence[Scores], target: float) -> float:
    """Return the threshold at which the strangers of all draws together realise ``target``: the oracle's choice."""
    low, high = 0.0, 2.0
    for _ in range(30):
        middle = (low + high) / 2.0
        within = float(np.mean([scores.share_within(middle) for scores in strangers])) <= target
        low, high = (middle, high) if within else (low, middle)
    return low
