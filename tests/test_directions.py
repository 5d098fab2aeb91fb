import base64
import json
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from export.shipping.directions import learned, with_directions
from export.shipping.to_onnx import with_card
from gallery.bundled.directions import DIRECTIONS_KEY, Directions
from gallery.domain import Embedding
from gallery.errors import InvalidModel
from gallery.model_card import ModelCard
from gallery.quality import strangeness
from tests.tiny_model import tiny_card, tiny_onnx

DIMENSION = 32  # of which learned directions take four


def unit(vectors: NDArray[np.floating[Any]]) -> Embedding:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def crowd(seed: int, images: int, noise: float) -> Embedding:
    """Pictures in four directions of their own, and a little beside them."""
    random = np.random.default_rng(seed)
    own = np.linalg.qr(np.random.default_rng(99).normal(size=(DIMENSION, 4)))[0].T
    return unit(random.normal(size=(images, 4)) @ own + noise * random.normal(size=(images, DIMENSION)))


def some_directions() -> Directions:
    return Directions(np.linalg.qr(np.random.default_rng(0).normal(size=(8, 3)))[0].T.astype(np.float32), 0.25)


def carded() -> bytes:
    model = tiny_onnx()
    return with_card(model, tiny_card(model))


def edited(**changes: object) -> bytes:
    proto = onnx.load_model_from_string(with_directions(carded(), some_directions()))
    for entry in proto.metadata_props:
        if entry.key == DIRECTIONS_KEY:
            entry.value = json.dumps(json.loads(entry.value) | changes)
    return bytes(proto.SerializeToString())


def encoded(rows: NDArray[np.floating[Any]]) -> str:
    return base64.b64encode(rows.astype("<f4").tobytes()).decode("ascii")


def test_the_file_gives_back_the_directions_it_was_given() -> None:
    given = some_directions()
    found = Directions.of(with_directions(carded(), given))
    assert found is not None
    assert found.usual == 0.25
    assert np.array_equal(found.rows, given.rows)


def test_the_model_keeps_its_card_and_its_digest() -> None:
    before, after = carded(), with_directions(carded(), some_directions())
    assert ModelCard.of(after) == ModelCard.of(before)


def test_a_model_without_directions_has_none() -> None:
    assert Directions.of(carded()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"model_digest": "0" * 64},
        {"rows_float32_base64": "?"},
        {"rows_float32_base64": ""},
        {"rows_float32_base64": encoded(np.zeros((1, 8)))},
        {"rows_float32_base64": encoded(np.full((1, 8), np.nan))},
        {"rows_float32_base64": encoded(np.ones((2, 8)) / np.sqrt(8))},
        {"dimension": 7},
        {"usual": 1.1},
        {"version": 2},
        {"more": 1},
    ],
    ids=[
        "another model's", "no base64", "no rows", "a row of zeros", "not a number", "twice the same direction",
        "torn rows", "no share", "a later version", "unknown",
    ],
)  # fmt: skip
def test_directions_that_cannot_be_this_models_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidModel, match="directions"):
        Directions.of(edited(**changes))


def test_learned_directions_hold_the_training_and_not_what_is_unlike_it() -> None:
    found = learned(crowd(0, 400, 0.02), crowd(1, 200, 0.02))
    assert found.rows.shape == (DIMENSION // 8, DIMENSION)
    assert found.rows @ found.rows.T == pytest.approx(np.eye(4), abs=1e-5)
    assert max(strangeness(crowd(2, 100, 0.0), found.rows)) < 0.01
    anything = unit(np.random.default_rng(3).normal(size=(1000, DIMENSION)))
    assert np.mean(strangeness(anything, found.rows)) == pytest.approx(1 - 4 / DIMENSION, abs=0.02)


def test_one_in_a_hundred_of_the_held_out_is_stranger_than_usual() -> None:
    held_out = crowd(1, 1000, 0.1)
    found = learned(crowd(0, 400, 0.1), held_out)
    assert np.mean(np.asarray(strangeness(held_out, found.rows)) > found.usual) == pytest.approx(0.01, abs=0.002)
