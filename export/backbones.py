"""MobileNet V1, V2 and V3 without their classifiers, from ImageNet weights, optionally with last stride 1.

Input is float32 RGB in 0..255 [batch, height, width, 3]; scaling to what each version wants is in the graph.
"""

from pathlib import Path
from typing import Any, Literal, TypeAlias

import keras
from keras import layers

from export.errors import InvalidWeights

Architecture: TypeAlias = Literal["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]

_APPLICATIONS = {
    "mobilenet_v1": keras.applications.MobileNet,
    "mobilenet_v2": keras.applications.MobileNetV2,
    "mobilenet_v3_small": keras.applications.MobileNetV3Small,
    "mobilenet_v3_large": keras.applications.MobileNetV3Large,
}
# Keras' default of 0.999 for V2 and V3 is too slow for short trainings (see README of the measurements).
BATCH_NORMALIZATION_MOMENTUM = 0.95


def backbone(
    architecture: Architecture, height: int, width: int, *, weights: str, alpha: float = 1.0, last_stride: int = 2
) -> keras.Model:
    """Build the convolutional part. ``weights``: 'imagenet' (Keras downloads), 'none', or a .weights.h5 file.

    Raises InvalidWeights when the file belongs to another architecture or does not exist.
    """
    options: dict[str, Any] = {"include_top": False, "input_shape": (height, width, 3), "alpha": alpha}
    if architecture.startswith("mobilenet_v3"):
        options["include_preprocessing"] = False
    source = weights if weights == "imagenet" else None
    network = _APPLICATIONS[architecture](weights=source, **options)
    if weights not in ("imagenet", "none"):
        _load(network, Path(weights), architecture)
    return _tuned(network, last_stride)


def _load(network: keras.Model, path: Path, architecture: str) -> None:
    if not path.is_file():
        raise InvalidWeights(f"there is no weights file at {path}", expected="a .weights.h5 file, or 'imagenet'")
    try:
        network.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise InvalidWeights(
            f"{path} does not fit {architecture}: {str(error).splitlines()[0]}",
            expected=f"the weights of {architecture} without its top, of the same width (alpha)",
            remedy="choose the architecture the file was made for, or another file",
        ) from error


def _tuned(network: keras.Model, last_stride: int) -> keras.Model:
    """Rebuild with quick batch-normalisation statistics and, for ``last_stride`` 1, no last halving."""
    strided = [layer for layer in network.layers if getattr(layer, "strides", (1, 1)) == (2, 2)]
    last = strided[-1].name if last_stride == 1 else None
    padding = _padding_before(network, last) if last is not None else None

    def rebuilt(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if isinstance(layer, layers.BatchNormalization):
            config["momentum"] = BATCH_NORMALIZATION_MOMENTUM
        if layer.name == last:
            config["strides"] = (1, 1)
        if layer.name == padding:
            margin = strided[-1].kernel_size[0] // 2  # what 'same' pads when nothing is skipped
            config["padding"] = ((margin, margin), (margin, margin))
        return layer.__class__.from_config(config)

    clone: keras.Model = keras.models.clone_model(network, clone_function=rebuilt)
    clone.set_weights(network.get_weights())
    return clone


def _padding_before(network: keras.Model, name: str) -> str | None:
    """Name the ZeroPadding2D that feeds the layer, if one does."""
    names = [layer.name for layer in network.layers]
    before = network.layers[names.index(name) - 1]
    return before.name if isinstance(before, layers.ZeroPadding2D) else None
