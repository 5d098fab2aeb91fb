"""Any embedding model as one thing: uint8 RGB pictures in, unit vectors out.

A `.keras` file of this workshop, an ONNX file with a model card, or somebody else's ONNX file, whose layout is read
off its input and whose scaling the caller names: nothing in such a file says it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import onnxruntime

from gallery.domain import Embedding, Pixels
from gallery.errors import InvalidModel
from gallery.model_card import CARD_KEY, ModelCard, metadata_of
from gallery.onnx_embedder import OnnxEmbedder, open_session

Embed: TypeAlias = Callable[[Pixels], Embedding]
Scaling: TypeAlias = Literal["imagenet", "minus-one-to-one", "zero-to-one", "none"]

# (subtract, divide) of each channel of RGB 0..255; 'imagenet' is torchvision's
_SCALINGS: dict[Scaling, tuple[list[float], list[float]]] = {
    "imagenet": ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
    "minus-one-to-one": ([127.5] * 3, [127.5] * 3),
    "zero-to-one": ([0.0] * 3, [255.0] * 3),
    "none": ([0.0] * 3, [1.0] * 3),
}
_KERAS_BATCH = 64


@dataclass(frozen=True)
class Model:
    """An embedding model: ``embed`` takes uint8 RGB [n, height, width, 3] and gives unit float32 [n, d]."""

    name: str
    height: int
    width: int
    embed: Embed
    card: ModelCard | None = None


def load_model(path: Path, scaling: Scaling | None = None) -> Model:
    """Load a model by its kind; raises InvalidModel. ``scaling`` is for ONNX files without a card only."""
    if path.suffix == ".keras":
        return _keras(path)
    if path.suffix != ".onnx":
        raise InvalidModel(f"{path} is no model that can be measured", expected="a .keras or an .onnx file")
    if not path.is_file():
        raise InvalidModel(f"there is no file {path}", expected="a .keras or an .onnx file")
    content = path.read_bytes()
    if CARD_KEY in metadata_of(content, str(path)):
        network = OnnxEmbedder(path)
        return Model(path.stem, network.card.height, network.card.width, network.embed_pixels, network.card)
    if scaling is None:
        raise InvalidModel(
            f"{path} has no model card, so nothing says how its input is scaled",
            expected="--scaling " + " | ".join(_SCALINGS),
            remedy="name the scaling it was trained with, or export it with gallery-export, which puts it in the graph",
        )
    return _foreign(path.stem, open_session(content, str(path)), scaling)


def unit_rows(vectors: Embedding) -> Embedding:
    """Scale rows [n, d] to length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def load_keras(path: Path) -> "keras.Model":  # type: ignore[name-defined]  # noqa: F821
    """Load a `.keras` file with this workshop's layers known; raises InvalidModel."""
    import keras  # noqa: PLC0415 - seconds and hundreds of megabytes that ONNX files do without

    import export.network.backbones  # noqa: PLC0415
    import export.network.encoder  # noqa: F401, PLC0415 - registers its layers

    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InvalidModel(
            f"Keras cannot load {path}: {error}", expected="an inference.keras or best.keras of a training run"
        ) from error


def _keras(path: Path) -> Model:
    model = load_keras(path)
    _, height, width, _ = model.input_shape

    def embed(pixels: Pixels) -> Embedding:
        return unit_rows(np.asarray(model.predict(pixels, batch_size=_KERAS_BATCH, verbose=0)))

    return Model(f"{path.parent.name}-{path.stem}", int(height), int(width), embed)


def _foreign(name: str, session: onnxruntime.InferenceSession, scaling: Scaling) -> Model:
    inputs = session.get_inputs()
    shape = inputs[0].shape
    if len(inputs) != 1 or len(shape) != 4 or not {shape[1], shape[3]} & {3}:
        raise InvalidModel(
            f"{name} takes {[(node.name, node.shape) for node in inputs]}", expected="one picture of 3 channels"
        )
    channels_first = shape[1] == 3
    height, width = shape[2:] if channels_first else shape[1:3]
    if not isinstance(height, int) or not isinstance(width, int):
        raise InvalidModel(f"{name} takes {shape}", expected="a fixed height and width")
    subtract, divide = (np.asarray(numbers, np.float32) for numbers in _SCALINGS[scaling])
    one_by_one = isinstance(shape[0], int)
    takes_bytes = inputs[0].type == "tensor(uint8)"

    def embed(pixels: Pixels) -> Embedding:
        scaled = pixels if takes_bytes else (pixels.astype(np.float32) - subtract) / divide
        fed = np.ascontiguousarray(scaled.transpose(0, 3, 1, 2) if channels_first else scaled)
        batches = np.split(fed, len(fed)) if one_by_one else [fed]
        rows = [session.run(None, {inputs[0].name: batch})[0] for batch in batches]
        return unit_rows(np.concatenate(rows).reshape(len(pixels), -1))

    return Model(name, height, width, embed)
