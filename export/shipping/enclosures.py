"""What travels inside a shipped file beside its card: strangers to calibrate against, and what training looked like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.data.dataset import Sample
from export.evaluation.evaluate import EmbeddedSet, Progress, embed_samples
from export.evaluation.models import Model
from export.shipping.cohort import bundled, with_cohort
from export.shipping.directions import learned, with_directions
from gallery.bundled.cohort import BundledCohort
from gallery.bundled.directions import Directions

TRAINING_PICTURES = 4000  # of training people, chosen by chance: what "seen in training" is measured from


@dataclass(frozen=True)
class Enclosures:
    """Strangers from outside training, and the directions of training, both of one model."""

    cohort: BundledCohort
    directions: Directions

    def put_into(self, onnx_model: bytes) -> bytes:
        """Write both into the metadata of a carded file; the digest stays."""
        return with_directions(with_cohort(onnx_model, self.cohort), self.directions)


def enclose(model: Model, digest: str, held_out: EmbeddedSet, training: Sequence[Sample], tell: Progress) -> Enclosures:
    """Make both for the model of this digest; ``tell`` hears how many of the training pictures were embedded."""
    people = len(np.unique(held_out.labels.identities))
    note = f"people outside training: {people} of them, a few pictures each, quantised; whose they are is not told"
    chosen = training_sample(training)
    seen = embed_samples(model, chosen, tell).embeddings
    return Enclosures(bundled(held_out.embeddings, held_out.labels, digest, note), learned(seen, held_out.embeddings))


def training_sample(training: Sequence[Sample]) -> list[Sample]:
    """Choose the training pictures that the directions are learned from, always the same ones."""
    order = np.random.default_rng(0).permutation(len(training))[:TRAINING_PICTURES]
    return [training[row] for row in sorted(order)]
