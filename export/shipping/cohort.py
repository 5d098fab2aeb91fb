"""Make the cohort that is shipped with a model: strangers to calibrate against, in the least personal form that works.

Measured on 100 people outside training of Market-1501, at a target FPIR of 1%: 10 are enrolled with one template each,
half of the others make the cohort in each form, the other half are tried (20 draws; with 4 templates, and in
galleries of 100, the order is the same):

    form                                   rows   FPIR realised
    every picture, float32                  742   1.1%
    every picture, int8                     742   1.1%
    4 pictures a person, int8               180   1.1%
    mixtures of three people                720   2.6%
    a Gaussian of people and of pictures   1000   5.3%
    a Gaussian of pictures                 1000   4.7%

Whatever smooths people away smooths away the crowded corners where strangers are taken for somebody: rows that belong
to nobody break the promise four- or fivefold. So the cohort is real embeddings, quantised, unnamed, and few: 8 pictures
a person by different cameras. 4 would set as good a threshold, but leave it less sure: of 100 people they are worth
about 230 independent pictures, 8 about 270, all 1649 about 320. An embedding is personal data still; the file says
whose they are.
"""

import numpy as np
import onnx
from numpy.typing import NDArray

from export.metrics.retrieval import Labels
from gallery.bundled.cohort import COHORT_KEY, BundledCohort, cohort_of
from gallery.domain import Cohort, Embedding

PICTURES_A_PERSON = 8


def thinned(labels: Labels, pictures: int = PICTURES_A_PERSON, *, seed: int = 0) -> NDArray[np.int64]:
    """Choose up to ``pictures`` rows a person, going round their cameras: int64, ascending."""
    random = np.random.default_rng(seed)
    kept: list[int] = []
    for person in np.unique(labels.identities):
        rows = random.permutation(np.flatnonzero(labels.identities == person))
        piles = [rows[labels.cameras[rows] == camera] for camera in random.permutation(np.unique(labels.cameras[rows]))]
        turns = [int(pile[turn]) for turn in range(max(map(len, piles))) for pile in piles if turn < len(pile)]
        kept += turns[:pictures]
    return np.sort(np.asarray(kept, np.int64))


def bundled(embeddings: Embedding, labels: Labels, model_digest: str, note: str) -> BundledCohort:
    """Thin, quantise and unname the strangers. ``embeddings`` are unit float32 [n, d] of people outside training."""
    rows = thinned(labels)
    people = tuple(str(person) for person in labels.identities[rows])
    return BundledCohort.of(Cohort(model_digest, embeddings[rows], people), note)


def with_cohort(onnx_model: bytes, cohort: BundledCohort) -> bytes:
    """Write the cohort into the file's metadata, beside what is there; raises InvalidModel when it is another's."""
    proto = onnx.load_model_from_string(onnx_model)
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    onnx.helper.set_model_props(proto, properties | {COHORT_KEY: cohort.model_dump_json()})
    written = bytes(proto.SerializeToString())
    cohort_of(written)
    return written
