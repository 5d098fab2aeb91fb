"""Tracks on made-up people: fusing gains, tempering keeps strangers out, and quality weighs."""

import uuid

import numpy as np
import pytest

from export.studies.track_trial import FIGURES, RULES, Rule, Seen, compare, fused
from gallery.domain import Candidate, Embedded, Quality
from gallery.tracks import Track

PEOPLE, CAMERAS, PICTURES, DIMENSION = 40, 2, 5, 16


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Noisy people that have much in common, as people have for a network: the first of a track is the noisiest."""
    random = np.random.default_rng(0)
    shape = (PEOPLE, CAMERAS, PICTURES)
    common = np.zeros(DIMENSION)
    common[0] = 4.0
    people = common + random.normal(size=(PEOPLE, 1, 1, DIMENSION))
    noise = np.where(np.arange(PICTURES) == 0, 3.0, 0.8)[:, None]
    vectors = people + noise * random.normal(size=(*shape, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    person, camera, picture = (each.ravel().astype(np.int64) for each in np.indices(shape))
    weights = np.where(picture == 0, 0.05, 1.0)
    return Seen(vectors.reshape(-1, DIMENSION).astype(np.float32), weights, person, camera, person * CAMERAS + camera)


def test_fusing_gains_and_what_is_not_tempered_lets_strangers_in(seen: Seen) -> None:
    found = dict(zip((rule.name for rule in RULES), compare(seen, seen, 1, draws=20).mean(axis=1), strict=True))
    rank1, fpir = FIGURES.index("rank-1"), FIGURES.index("FPIR")
    single, equal = found["single pictures"], found["fused, equal weights"]
    assert equal[rank1] > single[rank1]
    assert found["fused by quality"][rank1] >= equal[rank1]
    assert found["fused, equal weights, not tempered"][fpir] > equal[fpir]


def test_the_trial_fuses_as_the_service_does(seen: Seen) -> None:
    rows = np.flatnonzero(seen.tracks == 3)
    (vector,), _, _ = fused(seen, rows, Rule("as served", weighted=True, temper=0.5))
    track = Track("three")
    for row in rows:
        weight = float(seen.weights[row])
        quality = Quality(64, 128, sharpness=weight, brightness=0.5, contrast=1.0)
        assert track.add(Embedded(None, seen.embeddings[row], "digest", quality), quality)
    template = seen.embeddings[0]
    alone = Candidate("ann", float(1.0 - track.embedding @ template), uuid.UUID(int=1))
    (tempered,) = track.tempered([alone])
    assert tempered.distance == pytest.approx(1.0 - float(vector @ template), abs=1e-6)
