"""How several templates of an identity should decide: every rule on the same galleries, probes and strangers.

All people are unseen. Each rule gets the threshold at which its strangers, people weighing the same, are taken for
somebody at the target rate: the rules are compared where they cost the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from export.metrics.open_set import Setting, deal
from export.metrics.retrieval import Labels
from gallery.calibration import Scores
from gallery.domain import Embedding, Fusion
from gallery.matching import identity_distances

TEMPLATES = (1, 2, 4, 8)
SIZES = (10, 50)


@dataclass(frozen=True, slots=True)
class FusionFigures:
    """Means over draws: ``rank1`` and ``tpir`` of mated probes, ``mistaken`` of matches that name somebody else.

    ``error`` is the standard error of ``tpir`` over draws.
    """

    size: int
    templates: int
    fusion: Fusion
    rank1: float
    tpir: float
    error: float
    mistaken: float


def compare(
    embeddings: Embedding, labels: Labels, target: float, *, draws: int = 30, seed: int = 0
) -> Iterator[FusionFigures]:
    """Measure every rule with each number of templates. ``embeddings`` are unit float32 [n, d] of unseen people."""
    for size in SIZES:
        for templates in TEMPLATES:
            for fusion in Fusion:
                streams = np.random.SeedSequence([seed, size]).spawn(draws)
                setting = Setting(size, templates, draws)
                found = np.asarray([_draw(embeddings, labels, setting, (fusion, target), stream) for stream in streams])
                rank1, tpir, mistaken = found.mean(axis=0)
                error = float(found[:, 1].std(ddof=1) / np.sqrt(draws))
                yield FusionFigures(size, templates, fusion, float(rank1), float(tpir), error, float(mistaken))


def _draw(
    embeddings: Embedding, labels: Labels, setting: Setting, rule: tuple[Fusion, float], stream: np.random.SeedSequence
) -> tuple[float, float, float]:
    fusion, target = rule
    roles = deal(labels, setting, np.random.default_rng(stream))
    templates = embeddings[roles.templates]
    others = np.concatenate([roles.calibration, roles.strangers])
    _, persons = np.unique(labels.identities[others], return_inverse=True)
    met = identity_distances(embeddings[others], templates, roles.owners, fusion).min(axis=1).astype(np.float64)
    strangers = Scores(met, persons.astype(np.int64), int(persons.max()) + 1)
    mated = identity_distances(embeddings[roles.probes], templates, roles.owners, fusion)
    right = roles.enrolled[np.argmin(mated, axis=1)] == labels.identities[roles.probes]
    within = mated.min(axis=1) <= strangers.quantile(target)
    return (
        float(right.mean()),
        float((right & within).mean()),
        float((~right & within).sum() / max(1, within.sum())),
    )
