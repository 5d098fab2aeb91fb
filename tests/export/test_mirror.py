from pathlib import Path

import keras
import numpy as np
import pytest

from export.network.encoder import embedder, encoder
from export.network.recipe import Network
from export.shipping.mirror import mirrored
from tests.export.small_network import small_network


def test_both_ways_of_looking_count_the_same(tmp_path: Path) -> None:
    network = Network(height=32, width=32, dimension=8)
    served = embedder(encoder(small_network(network, weights="none"), network))
    model = mirrored(served)
    model.save(tmp_path / "mirrored.keras")
    model = keras.saving.load_model(tmp_path / "mirrored.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    once, turned = (np.asarray(served(images, training=False)) for images in (pictures, pictures[:, :, ::-1]))
    expected = (once + turned) / np.linalg.norm(once + turned, axis=1, keepdims=True)
    assert np.asarray(model(pictures, training=False)) == pytest.approx(expected, abs=1e-6)
    assert np.asarray(model(pictures[:, :, ::-1], training=False)) == pytest.approx(expected, abs=1e-6)
