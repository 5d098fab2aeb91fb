from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from export.network.encoder import embedder, encoder
from export.network.recipe import Network
from export.shipping.mirror import mirrored
from tests.export.small_network import small_network


@pytest.mark.parametrize(("height", "width", "above", "beside"), [(64, 32, 2, 1), (16, 16, 0, 0)])
def test_the_picture_and_its_closer_mirror_image_count_the_same(
    tmp_path: Path, height: int, width: int, above: int, beside: int
) -> None:
    network = Network(height=height, width=width, dimension=8)
    served = embedder(encoder(small_network(network, weights="none"), network))
    model = mirrored(served)
    model.save(tmp_path / "mirrored.keras")
    model = keras.saving.load_model(tmp_path / "mirrored.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    inner = pictures[:, above : height - above, beside : width - beside][:, :, ::-1]
    closer = np.stack([cv2.resize(each.astype(np.float32), (width, height)) for each in inner])
    once, again = (np.asarray(served(images, training=False)) for images in (pictures, np.round(closer)))
    expected = (once + again) / np.linalg.norm(once + again, axis=1, keepdims=True)
    assert np.asarray(model(pictures, training=False)) == pytest.approx(expected, abs=2e-3)
