import json
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from export.shipping.centroids import learned, strangeness, with_centroids
from export.shipping.to_onnx import with_card
from gallery.bundled.centroids import CENTROIDS_KEY, Centroids
from gallery.domain import Embedding
from gallery.errors import InvalidModel
from gallery.model_card import ModelCard
from tests.tiny_model import tiny_card, tiny_onnx


def unit(vectors: NDArray[np.floating[Any]]) -> Embedding:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def crowd(seed: int, centres: Embedding, images: int, noise: float) -> Embedding:
    random = np.random.default_rng(seed)
    return unit(centres[random.integers(0, len(centres), images)] + noise * random.normal(size=(images, 8)))


def some_centroids() -> Centroids:
    return Centroids(unit(np.random.default_rng(0).normal(size=(5, 8))), 0.25)


def carded() -> bytes:
    model = tiny_onnx()
    return with_card(model, tiny_card(model))


def edited(**changes: object) -> bytes:
    proto = onnx.load_model_from_string(with_centroids(carded(), some_centroids()))
    for entry in proto.metadata_props:
        if entry.key == CENTROIDS_KEY:
            entry.value = json.dumps(json.loads(entry.value) | changes)
    return bytes(proto.SerializeToString())


def test_the_file_gives_back_the_centroids_it_was_given() -> None:
    given = some_centroids()
    found = Centroids.of(with_centroids(carded(), given))
    assert found is not None
    assert found.usual == 0.25
    assert (found.vectors * given.vectors).sum(axis=1) == pytest.approx(1.0, abs=1e-4)  # int8 turns them hardly
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1.0, abs=1e-6)


def test_the_model_keeps_its_card_and_its_digest() -> None:
    before, after = carded(), with_centroids(carded(), some_centroids())
    assert ModelCard.of(after) == ModelCard.of(before)


def test_a_model_without_centroids_has_none() -> None:
    assert Centroids.of(carded()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"model_digest": "0" * 64},
        {"rows_int8_base64": "?"},
        {"rows_int8_base64": ""},
        {"rows_int8_base64": "AAAAAAAAAAA="},
        {"dimension": 7},
        {"usual": 3.0},
        {"more": 1},
    ],
    ids=["another model's", "no base64", "no rows", "a row of zeros", "torn rows", "no distance", "unknown"],
)
def test_centroids_that_cannot_be_this_models_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidModel, match="centroids"):
        Centroids.of(edited(**changes))


def test_learned_centroids_lie_where_the_training_was() -> None:
    centres = unit(np.random.default_rng(1).normal(size=(4, 8)))
    found = learned(crowd(0, centres, 400, 0.1), crowd(1, centres, 200, 0.1), count=16)
    assert strangeness(centres, found.vectors).max() < 0.05
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_one_in_a_hundred_of_the_held_out_is_stranger_than_usual() -> None:
    centres = unit(np.random.default_rng(1).normal(size=(4, 8)))
    held_out = crowd(1, centres, 1000, 0.3)
    found = learned(crowd(0, centres, 400, 0.3), held_out, count=16)
    assert np.mean(strangeness(held_out, found.vectors) > found.usual) == pytest.approx(0.01, abs=0.002)


def test_fewer_pictures_than_centroids_are_their_own() -> None:
    few = crowd(0, np.eye(8, dtype=np.float32), 3, 0.1)
    assert strangeness(few, learned(few, few, count=16).vectors) == pytest.approx(0.0, abs=1e-5)
