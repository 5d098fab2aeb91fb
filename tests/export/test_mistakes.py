from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from export.data.dataset import Sample
from export.errors import InvalidData
from export.evaluation.evaluate import EmbeddedSet, evaluate
from export.evaluation.mistakes import SHOWN, worst_mistakes
from export.metrics.open_set import Setting, deal, nearest_identities
from export.metrics.retrieval import Labels
from export.metrics.verification import all_pairs
from export.shipping.default_threshold import FPIR, default_threshold
from gallery.domain import Embedding


def embedded(noise: float, people: int = 12, views: int = 6) -> EmbeddedSet:
    random = np.random.default_rng(7)
    identities = np.repeat(np.arange(people), views)
    vectors = random.normal(size=(people, 6))[identities] + noise * random.normal(size=(people * views, 6))
    unit: Embedding = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    samples = tuple(Sample(Path(f"{row}.jpg"), f"p{person:02d}") for row, person in enumerate(identities))
    labels = Labels.of([sample.identity for sample in samples], [None] * len(samples))
    return EmbeddedSet(samples, unit, labels, ())


def test_the_worst_mistakes_come_first_and_show_where_the_right_person_was() -> None:
    evaluation = evaluate("noisy", embedded(0.9))
    mistakes = worst_mistakes(evaluation, 100)
    assert len(mistakes) == int((evaluation.retrieval.first_rank > 0).sum()) > 10
    assert all(one.excess >= other.excess for one, other in pairwise(mistakes))
    for mistake in mistakes:
        assert not mistake.ranked[0].right
        assert mistake.ranked[0].sample.identity != mistake.query.identity
        shown = [place for place, one in enumerate(mistake.ranked, start=1) if one.right]
        assert shown[0] == min(mistake.right_rank, SHOWN)
        assert len(mistake.ranked) == SHOWN


def test_a_model_that_makes_no_mistake_has_none_to_show() -> None:
    assert worst_mistakes(evaluate("clean", embedded(0.01)), 5) == []


def test_the_default_threshold_lets_in_one_stranger_in_a_hundred() -> None:
    data = embedded(0.5, people=40, views=12)
    threshold = default_threshold(data.embeddings, data.labels, all_pairs(data.embeddings, data.labels))
    assert "at a gallery of 20 identities with one template each" in threshold.note
    shares = []
    for stream in np.random.SeedSequence(0).spawn(20):
        roles = deal(data.labels, Setting(20, 1), np.random.default_rng(stream))
        strangers = np.concatenate([roles.calibration, roles.strangers])
        shares.append(np.mean(nearest_identities(data.embeddings, strangers, roles)[0] <= threshold.value))
    assert np.median(shares) == pytest.approx(FPIR, abs=0.006)


def test_people_seen_only_once_cannot_be_measured() -> None:
    data = embedded(0.5, people=5, views=1)
    with pytest.raises(InvalidData, match="nobody was seen by two cameras"):
        evaluate("once", data)
