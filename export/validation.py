"""The figure that chooses: rank-1 and mAP on held-out people, by the Market protocol of `export.retrieval`."""

from collections.abc import Sequence
from dataclasses import dataclass

from export.dataset import Sample
from export.intervals import Estimate
from export.retrieval import Labels, retrieve
from gallery.domain import Embedding


@dataclass(frozen=True, slots=True)
class Validation:
    """Both figures with their intervals, bootstrapped by identity."""

    rank1: Estimate
    mean_average_precision: Estimate


def validate(embeddings: Embedding, samples: Sequence[Sample]) -> Validation:
    """Rank unit rows [n, d] of ``samples`` against each other."""
    labels = Labels.of([sample.identity for sample in samples], [sample.camera for sample in samples])
    found = retrieve(embeddings, labels)
    return Validation(found.rank(1), found.mean_average_precision)
