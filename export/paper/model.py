"""The paper's model as one graph: uint8 images → frozen base → Normalize-Scale → scores; saved three ways."""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from export.paper.layers import NormalizeScale
from export.training.checkpoint import replace
from gallery.domain import Pixels


def feature_extractor(base: keras.Model, scale: float) -> keras.Model:
    """Build uint8 [b, h, w, 3] → Normalize-Scale features [b, 2c] of a frozen base."""
    images = keras.Input(base.input_shape[1:], dtype="uint8", name="images")
    maps = base(layers.Rescaling(1 / 127.5, offset=-1, name="scaled")(images))
    return keras.Model(images, NormalizeScale(scale, name="normalize_scale")(maps), name="features")


def classifier(features: keras.Model, scores: layers.Layer) -> keras.Model:
    """Put trained ``scores`` on ``features``: uint8 [b, h, w, 3] → scores [b, people]; the largest decides."""
    return keras.Model(features.input, scores(features.output), name="paper")


def save(model: keras.Model, folder: Path) -> None:
    """Write `model.json` (the graph), `model.h5` (graph and weights) and `model.keras`; raises CannotSave."""
    text = model.to_json(indent=1)
    replace(folder / "model.json", lambda path: path.write_text(text, encoding="utf-8"))
    replace(folder / "model.h5", model.save)
    replace(folder / "model.keras", model.save)


def load(folder: Path) -> keras.Model:
    """Read `model.json` and put the weights of `model.h5` into it, as the paper's users do."""
    model = keras.models.model_from_json((folder / "model.json").read_text(encoding="utf-8"))
    model.load_weights(folder / "model.h5")
    return model


def predict(model: keras.Model, images: Pixels) -> NDArray[np.float32]:
    """Run uint8 [n, h, w, 3] in small batches: float32 [n, …]."""
    return np.asarray(model.predict(images, batch_size=32, verbose=0), np.float32)
