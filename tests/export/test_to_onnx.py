from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from export.shipping.packaging import write
from export.shipping.provenance import content_digest
from export.shipping.to_onnx import (
    PARITY_TOLERANCE,
    checked_parity,
    convert,
    embed_with,
    golden_pictures,
    golden_samples,
    input_size,
    with_card,
)
from export.training.checkpoint import replace
from gallery.errors import InvalidModel
from gallery.model_card import ModelCard, digest_of
from gallery.onnx_embedder import OnnxEmbedder
from tests.export.people import drawn_people
from tests.tiny_model import DIMENSION, HEIGHT, WIDTH, tiny_card, tiny_onnx


def small_keras(seed: int) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((HEIGHT, WIDTH, 3), dtype="uint8"),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(8, 3, strides=4, kernel_initializer=keras.initializers.GlorotUniform(seed)),
            layers.Flatten(),
            layers.Dense(DIMENSION, kernel_initializer=keras.initializers.GlorotUniform(seed)),
            layers.UnitNormalization(),
        ]
    )


def test_a_keras_model_converts_to_bytes_in_and_unit_vectors_out() -> None:
    model = small_keras(0)
    pixels = golden_pictures(HEIGHT, WIDTH)
    onnx_model = convert(model)
    parity = checked_parity(model, onnx_model, pixels)
    assert parity.n == len(pixels)
    assert max(parity.batch_1, parity.batch_n) < PARITY_TOLERANCE
    rows = embed_with(onnx_model)(pixels)
    assert rows.shape == (len(pixels), DIMENSION)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_an_onnx_file_that_is_not_the_keras_model_is_refused() -> None:
    with pytest.raises(InvalidModel, match="differs from Keras"):
        checked_parity(small_keras(1), tiny_onnx(), golden_pictures(HEIGHT, WIDTH))


def test_a_keras_model_without_a_fixed_input_size_is_refused() -> None:
    layers = keras.layers
    model = keras.Sequential([layers.Input((None, None, 3)), layers.GlobalAveragePooling2D()])
    with pytest.raises(InvalidModel, match="of fixed size"):
        input_size(model)


def test_on_another_backend_than_tensorflow_it_says_how_to_export(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InvalidModel, match="KERAS_BACKEND=tensorflow"):
        convert(small_keras(0))


def test_a_card_of_another_file_is_not_written() -> None:
    with pytest.raises(InvalidModel, match="is not the file its card describes"):
        with_card(tiny_onnx(seed=1), tiny_card(tiny_onnx(seed=2)))


def test_the_card_travels_with_the_file_and_leaves_its_digest_as_it_was() -> None:
    model = tiny_onnx()
    carded = with_card(model, tiny_card(model))
    assert ModelCard.of(carded) == tiny_card(model)
    assert digest_of(carded) == digest_of(model)


def test_what_is_written_passes_the_services_own_check(tmp_path: Path) -> None:
    model = tiny_onnx()
    pixels = golden_pictures(HEIGHT, WIDTH)
    card = tiny_card(model).model_copy(update={"golden": golden_samples(pixels, embed_with(model))})
    write(model, card, None, tmp_path / "new" / "tiny.onnx")
    assert OnnxEmbedder(tmp_path / "new" / "tiny.onnx").check_golden() < 1e-6


def test_a_file_that_fails_its_check_does_not_replace_a_good_one(tmp_path: Path) -> None:
    model, path = tiny_onnx(), tmp_path / "tiny.onnx"
    write(model, tiny_card(model), None, path)
    before = path.read_bytes()
    wrong = tiny_card(model).model_copy(update={"golden": tiny_card(tiny_onnx(seed=4)).golden})
    with pytest.raises(InvalidModel, match="golden picture 0"):
        write(model, wrong, None, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.onnx"]


def test_the_golden_pictures_are_drawn_and_differ() -> None:
    pixels = golden_pictures(HEIGHT, WIDTH)
    assert pixels.shape == (4, HEIGHT, WIDTH, 3) and pixels.dtype == np.uint8
    assert len({picture.tobytes() for picture in pixels}) == 4


def test_the_same_files_have_the_same_digest_wherever_they_lie(tmp_path: Path) -> None:
    one, other = (drawn_people(tmp_path / name, people=2, views=2) for name in ("one", "other"))
    assert content_digest(one.samples) == content_digest(other.samples)
    changed = other.samples[0].path
    replace(changed, lambda temporary: temporary.write_bytes(other.samples[1].path.read_bytes()))
    assert content_digest(one.samples) != content_digest(other.samples)
