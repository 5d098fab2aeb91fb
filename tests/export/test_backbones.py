from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from export.errors import InvalidWeights
from export.network.backbones import backbone
from export.network.encoder import embedder, encoder
from export.network.recipe import Architecture, Network, Precision


def _network(architecture: Architecture = "mobilenet_v2", *, stride: int = 1, alpha: float = 0.35) -> Network:
    return Network(architecture, alpha, 64, 32, 1 if stride == 1 else 2)


@pytest.mark.parametrize(
    ("architecture", "alpha"), [("mobilenet_v1", 0.25), ("mobilenet_v2", 0.35), ("mobilenet_v3_small", 1.0)]
)
def test_last_stride_1_doubles_the_maps_and_keeps_the_weights(architecture: Architecture, alpha: float) -> None:
    wide = backbone(_network(architecture, stride=1, alpha=alpha), weights="none")
    narrow = backbone(_network(architecture, stride=2, alpha=alpha), weights="none")
    assert wide.output_shape[1:3] == (4, 2)
    assert narrow.output_shape[1:3] == (2, 1)
    wide.set_weights(narrow.get_weights())
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 64, 32, 3)).astype(np.float32)
    before = next(layer.name for layer in narrow.layers if getattr(layer, "strides", (1, 1)) == (2, 2))
    maps = [np.asarray(keras.Model(model.input, model.get_layer(before).output)(picture)) for model in (wide, narrow)]
    assert np.array_equal(maps[0], maps[1])


def test_every_batch_normalisation_has_quick_statistics() -> None:
    network = backbone(_network(), weights="none")
    momenta = {layer.momentum for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert momenta == {0.95}


def test_weights_from_a_file_are_taken(tmp_path: Path) -> None:
    source = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(64, 32, 3), alpha=0.35)
    source.save_weights(tmp_path / "v2.weights.h5")
    network = backbone(_network(), weights=str(tmp_path / "v2.weights.h5"))
    for ours, theirs in zip(network.get_weights(), source.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    other = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(64, 32, 3), alpha=0.25)
    other.save_weights(tmp_path / "v1.weights.h5")
    with pytest.raises(InvalidWeights, match=r"does not fit mobilenet_v2 of width 0\.35"):
        backbone(_network(), weights=str(tmp_path / "v1.weights.h5"))


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.weights.h5").write_bytes(b"not an HDF5 file")
    with pytest.raises(InvalidWeights, match="does not fit"):
        backbone(_network(), weights=str(tmp_path / "torn.weights.h5"))
    with pytest.raises(InvalidWeights, match="no weights file"):
        backbone(_network(), weights=str(tmp_path / "gone.weights.h5"))


@pytest.mark.parametrize("pooling", ["average", "gem"])
def test_what_is_served_takes_bytes_and_gives_unit_rows(pooling: str, tmp_path: Path) -> None:
    network = replace(_network(), pooling="gem" if pooling == "gem" else "average", dimension=16)
    both = encoder(backbone(network, weights="none"), network)
    served = embedder(both)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3), dtype=np.uint8)
    rows = np.asarray(served(pictures, training=False))
    assert rows.shape == (3, 16)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    served.save(tmp_path / "served.keras")
    again = keras.saving.load_model(tmp_path / "served.keras")
    assert np.array_equal(np.asarray(again(pictures, training=False)), rows)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_mixed_precision_changes_the_arithmetic_and_not_the_weights(precision: Precision) -> None:
    network = backbone(_network(), weights="none", precision=precision)
    assert {str(weight.dtype) for weight in network.weights} == {"float32"}
    assert network.layers[-1].compute_dtype == precision.removeprefix("mixed_")
