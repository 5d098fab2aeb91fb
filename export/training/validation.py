"""What chooses between epochs and recipes: retrieval of held-out people by the Market protocol."""

from collections.abc import Sequence

from export.data.dataset import Sample
from export.metrics.retrieval import Labels, Retrieval, retrieve
from gallery.domain import Embedding


def validate(embeddings: Embedding, samples: Sequence[Sample]) -> Retrieval:
    """Rank unit rows [n, d] of ``samples`` against each other."""
    return retrieve(embeddings, Labels.of([one.identity for one in samples], [one.camera for one in samples]))
