"""The threshold a card ships: chosen on people outside training, with a sentence that says what it promises.

FPIR grows with the gallery, about 1 - (1 - FMR)^N, so the sentence names the gallery it was chosen for.
"""

from dataclasses import dataclass, replace

import numpy as np

from export.metrics.open_set import Setting, default_gallery_size, open_set
from export.metrics.retrieval import Labels
from export.metrics.verification import Pairs
from gallery.domain import Embedding

FPIR = 0.01


@dataclass(frozen=True, slots=True)
class DefaultThreshold:
    """A cosine distance, rounded down to three decimals, and the sentence about it."""

    value: float
    note: str


def default_threshold(embeddings: Embedding, labels: Labels, pairs: Pairs, *, seed: int = 0) -> DefaultThreshold:
    """Choose the median, over draws, of the threshold at which 1 stranger in 100 matches someone of a gallery.

    Half of the people are enrolled with one template each, the others are the strangers, and all of them choose:
    nobody here is scored by it. ``embeddings`` are unit float32 [n, d]; raises InvalidData when people are too few.
    """
    size = default_gallery_size(labels)
    drawn = open_set(embeddings, labels, Setting(size, 1, seed=seed))
    pooled = replace(
        drawn,
        draws=tuple(replace(one, calibration=np.concatenate([one.calibration, one.strangers])) for one in drawn.draws),
    )
    thresholds = pooled.thresholds(FPIR)
    value = max(0.0, float(np.floor(np.median(thresholds) * 1000) / 1000))
    fmr = float(np.mean(pairs.impostor <= value))
    probes = int(np.median([len(one.calibration) for one in pooled.draws]))
    people = len(np.unique(labels.identities))
    return DefaultThreshold(
        value,
        f"FPIR {FPIR:.0%} at a gallery of {size} identities with one template each: about 1 stranger's picture in 100 "
        f"is taken for somebody. Median of {len(thresholds)} draws of {size} of {people} people outside training "
        f"against the others, about {probes} strangers' pictures a draw (thresholds from {thresholds.min():.3f} to "
        f"{thresholds.max():.3f}). FMR there is {fmr:.2g} (n={len(pairs.impostor)} pairs); FPIR grows with the "
        f"gallery, about 1 - (1 - FMR)^N: near {1 - (1 - FPIR) ** 10:.0%} for {10 * size} "
        "identities. Recalibrate for a larger gallery, another place or other people.",
    )
