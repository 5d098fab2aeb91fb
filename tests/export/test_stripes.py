from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from export.errors import InvalidRecipe
from export.network import losses
from export.network.encoder import embedder, encoder
from export.network.learner import Learner
from export.network.recipe import Network, Objective
from tests.export.small_network import small_network

NETWORK = Network(height=64, width=32, dimension=16, stripes=3, stripe_dimension=4)
PICTURES = np.random.default_rng(0).integers(0, 256, (6, 64, 32, 3), dtype=np.uint8)


def test_the_parts_are_joined_to_unit_rows_and_weighted_by_their_dimensions(tmp_path: Path) -> None:
    both = encoder(small_network(NETWORK, weights="none"), NETWORK)
    served = embedder(both)
    rows = np.asarray(served(PICTURES, training=False))
    assert rows.shape == (6, 16 + 3 * 4)
    for start, size in ((0, 16), (16, 4), (20, 4), (24, 4)):
        shares = np.sum(rows[:, start : start + size] ** 2, axis=1)
        assert shares == pytest.approx(np.full(6, size / 28), abs=1e-5)
    served.save(tmp_path / "served.keras")
    again = keras.saving.load_model(tmp_path / "served.keras")
    assert np.array_equal(np.asarray(again(PICTURES, training=False)), rows)


def test_a_stripe_sees_its_own_rows_only() -> None:
    images = keras.Input((9, 4, 3))
    maps = keras.Model(images, keras.layers.Conv2D(3, 1)(images))
    both = embedder(encoder(maps, replace(NETWORK, height=9, width=4)))
    pictures = np.random.default_rng(1).integers(0, 256, (2, 9, 4, 3), dtype=np.uint8)
    lower = pictures.copy()
    lower[:, 6:] = np.random.default_rng(2).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    before, after = np.asarray(both(pictures)), np.asarray(both(lower))
    assert np.array_equal(before[:, 16:24], after[:, 16:24])
    assert not np.allclose(before[:, 24:], after[:, 24:], atol=1e-3)


def test_each_part_has_its_own_centres_and_the_stripes_count_by_their_mean() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2], np.int32)
    objective = Objective(triplet=0.0, stripes=0.7)
    learner = Learner(encoder(small_network(NETWORK, weights="none"), NETWORK), 3, objective, NETWORK.parts)
    feature, embedding = learner(PICTURES, training=False)
    found = float(learner.compute_loss(y=labels, y_pred=(feature, embedding)))
    ranked = []
    for start, size in ((0, 16), (16, 4), (20, 4), (24, 4)):
        part = np.asarray(embedding)[:, start : start + size]
        centres = np.asarray(learner.centres)[:, start : start + size]
        part = part / np.linalg.norm(part, axis=1, keepdims=True)
        centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)
        cosines = ops.convert_to_tensor(part @ centres.T)
        ranked.append(float(losses.cosine_ranking(cosines, labels, objective.scale, objective.margin, 0.1)))
    assert found == pytest.approx(ranked[0] + 0.7 * sum(ranked[1:]) / 3, rel=1e-4)


def test_more_stripes_than_rows_are_refused() -> None:
    with pytest.raises(InvalidRecipe, match="maps of 8 rows cannot be cut into 9 stripes"):
        encoder(small_network(NETWORK, weights="none"), replace(NETWORK, stripes=9))
