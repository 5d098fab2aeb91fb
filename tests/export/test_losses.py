"""Every loss against plain loops."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from keras import ops

from export.network import losses

RNG = np.random.default_rng(7)
FEATURES = RNG.normal(size=(6, 5)).astype(np.float32)
CENTRES = RNG.normal(size=(4, 5)).astype(np.float32)
LABELS = np.array([0, 0, 1, 1, 3, 3], np.int32)


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    dot = sum(a * b for a, b in zip(left, right, strict=True))
    return dot / math.sqrt(sum(a * a for a in left)) / math.sqrt(sum(b * b for b in right))


def _cross_entropy(logits: Sequence[float], label: int, smoothing: float = 0.0) -> float:
    total = math.log(sum(math.exp(value) for value in logits))
    classes = len(logits)
    loss = 0.0
    for index, value in enumerate(logits):
        target = smoothing / classes + (1 - smoothing if index == label else 0.0)
        loss -= target * (value - total)
    return loss


def _cosines() -> list[list[float]]:
    return [[_cosine(feature, centre) for centre in CENTRES] for feature in FEATURES]


def test_cosine_ranking_has_its_margin_on_the_own_cosine_only() -> None:
    expected = 0.0
    for row, label in zip(_cosines(), LABELS, strict=True):
        logits = [16 * (value - (0.2 if index == label else 0.0)) for index, value in enumerate(row)]
        expected += _cross_entropy(logits, int(label), smoothing=0.1) / len(LABELS)
    cosines = ops.convert_to_tensor(np.array(_cosines(), np.float32))
    assert float(losses.cosine_ranking(cosines, LABELS, 16.0, 0.2, 0.1)) == pytest.approx(expected, rel=1e-5)


def test_centralization_is_the_mean_distance_from_the_own_centre() -> None:
    expected = sum(1 - row[label] for row, label in zip(_cosines(), LABELS, strict=True)) / len(LABELS)
    cosines = ops.convert_to_tensor(np.array(_cosines(), np.float32))
    assert float(losses.centralization(cosines, LABELS)) == pytest.approx(expected, rel=1e-5)


def test_decorrelation_counts_only_centres_that_are_less_than_90_degrees_apart() -> None:
    expected, pairs = 0.0, 0
    for i in range(len(CENTRES)):
        for j in range(len(CENTRES)):
            if i != j:
                expected += max(0.0, _cosine(CENTRES[i], CENTRES[j])) ** 2
                pairs += 1
    assert float(losses.decorrelation(ops.convert_to_tensor(CENTRES))) == pytest.approx(expected / pairs, rel=1e-5)


def test_three_centres_at_120_degrees_are_left_alone() -> None:
    turns = np.array([0, 2 * np.pi / 3, 4 * np.pi / 3])
    centres = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    assert float(losses.decorrelation(ops.convert_to_tensor(centres))) == pytest.approx(0.0, abs=1e-6)


def test_the_prototype_has_its_margin_on_the_logits() -> None:
    logits = (FEATURES @ CENTRES.T).astype(np.float32)
    expected = 0.0
    for row, label in zip(logits.tolist(), LABELS, strict=True):
        row[label] -= 4.0
        expected += _cross_entropy(row, int(label)) / len(LABELS)
    assert float(losses.prototype_ranking(ops.convert_to_tensor(logits), LABELS)) == pytest.approx(expected, rel=1e-5)


def test_the_prototypes_decorrelation_asks_each_centre_to_be_likest_itself() -> None:
    expected = 0.0
    for i in range(len(CENTRES)):
        row = [sum(float(a) * float(b) for a, b in zip(CENTRES[i], other, strict=True)) for other in CENTRES]
        expected += _cross_entropy(row, i) / len(CENTRES)
    got = float(losses.prototype_decorrelation(ops.convert_to_tensor(CENTRES)))
    assert got == pytest.approx(expected, rel=1e-5)


def test_the_batch_hard_triplet_takes_the_farthest_own_and_the_nearest_other() -> None:
    expected = 0.0
    for a, feature in enumerate(FEATURES):
        distances = [math.dist(feature, other) for other in FEATURES]
        positive = max(d for b, d in enumerate(distances) if b != a and LABELS[b] == LABELS[a])
        negative = min(d for b, d in enumerate(distances) if LABELS[b] != LABELS[a])
        expected += math.log1p(math.exp(positive - negative)) / len(FEATURES)
    got = float(losses.batch_hard_triplet(ops.convert_to_tensor(FEATURES), LABELS))
    assert got == pytest.approx(expected, rel=1e-4)


def test_a_batch_of_one_identity_has_no_triplet() -> None:
    got = float(losses.batch_hard_triplet(ops.convert_to_tensor(FEATURES), np.zeros(6, np.int32)))
    assert got == pytest.approx(0.0, abs=1e-6)


def test_unit_rows_have_length_one_and_zero_stays_zero() -> None:
    rows = np.concatenate([FEATURES, np.zeros((1, 5), np.float32)])
    lengths = np.linalg.norm(ops.convert_to_numpy(losses.unit(ops.convert_to_tensor(rows))), axis=1)
    assert lengths[:-1] == pytest.approx(np.ones(6), abs=1e-6)
    assert lengths[-1] == 0.0
