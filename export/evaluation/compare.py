"""Two models side by side in one run: how fast each is, and what changing one for the other costs.

Timings of separate runs on a shared machine say little: here the models take turns, the clock counts this process's
CPU time, which other processes do not lengthen much, and the figure is the ratio of each round.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.evaluation.evaluate import FPIRS, Evaluation
from export.evaluation.models import Model
from export.metrics.intervals import Estimate, bootstrap_mean
from gallery.domain import Pixels

ROUNDS = 40
BATCHES = (1, 8)


@dataclass(frozen=True, slots=True)
class Speed:
    """Median CPU milliseconds a picture, and how many times as fast as the first model: median and quartiles."""

    name: str
    batch: int
    milliseconds: float
    ratio: float
    quartiles: tuple[float, float]
    rounds: int


def interleaved_speed(models: Sequence[Model], pixels: Sequence[Pixels], *, rounds: int = ROUNDS) -> list[Speed]:
    """Time the models in turns at batches of 1 and 8; ``pixels`` are each model's own pictures, 8 or more."""
    found = []
    for batch in BATCHES:
        for model, own in zip(models, pixels, strict=True):
            model.embed(own[:batch])  # the first call allocates
        seconds = np.asarray([_round(models, pixels, batch) for _ in range(rounds)])
        ratios = seconds[:, :1] / seconds
        for column, model in enumerate(models):
            low, middle, high = np.quantile(ratios[:, column], [0.25, 0.5, 0.75])
            each = float(np.median(seconds[:, column]) * 1000 / batch)
            found.append(Speed(model.name, batch, each, float(middle), (float(low), float(high)), rounds))
    return found


def cosine_between(one: Evaluation, other: Evaluation) -> NDArray[np.float64]:
    """Return the cosine between both models' embeddings of each picture: float64 [n].

    It means something only where the models share their space: an int8 model and the fp32 model it was made of.
    """
    if one.data.embeddings.shape != other.data.embeddings.shape:
        return np.empty(0)
    return np.asarray(np.sum(one.data.embeddings * other.data.embeddings, axis=1), np.float64)


def tpir_change(one: Evaluation, other: Evaluation, fpir: float = FPIRS[0]) -> Estimate:
    """Estimate TPIR(other) - TPIR(one) at ``fpir``, paired probe by probe over the same draws."""
    differences, people = [], []
    thresholds = zip(one.main.thresholds(fpir), other.main.thresholds(fpir), strict=True)
    for (mine, theirs), first, second in zip(thresholds, one.main.draws, other.main.draws, strict=True):
        before = first.right & (first.nearest <= mine)
        after = second.right & (second.nearest <= theirs)
        differences.append(after.astype(np.float64) - before)
        people.append(first.probe_identity)
    unit = f"probes in {len(one.main.draws)} draws"
    return bootstrap_mean(np.concatenate(differences), np.concatenate(people), unit)


def _round(models: Sequence[Model], pixels: Sequence[Pixels], batch: int) -> list[float]:
    seconds = []
    for model, own in zip(models, pixels, strict=True):
        began = time.process_time()
        model.embed(own[:batch])
        seconds.append(time.process_time() - began)
    return seconds
