"""MobileNet V1, V2 and V3 without their classifiers, from ImageNet weights, optionally with last stride 1.

Input is float32 RGB in 0..255 [batch, height, width, 3]; scaling to what each version wants is in the graph.
"""

import warnings
from pathlib import Path
from typing import Any, Protocol

import keras
from keras import layers

from export.errors import InvalidWeights
from export.network.mix_style import MixStyle
from export.network.recipe import Network, Precision

_APPLICATIONS = {
    "mobilenet_v1": keras.applications.MobileNet,
    "mobilenet_v2": keras.applications.MobileNetV2,
    "mobilenet_v3_small": keras.applications.MobileNetV3Small,
    "mobilenet_v3_large": keras.applications.MobileNetV3Large,
}


class BackboneBuilder(Protocol):
    """What `backbone` does: any convolutional network may stand in its place."""

    def __call__(self, network: Network, *, weights: str, precision: Precision = "float32") -> keras.Model:
        """Build float32 [b, h, w, 3] in −1..1 → feature maps."""


def backbone(network: Network, *, weights: str, precision: Precision = "float32") -> keras.Model:
    """Build the convolutional part: float32 [b, h, w, 3] in −1..1 → feature maps.

    ``weights`` is 'imagenet' (Keras downloads them), 'none', or a .weights.h5 file. Raises InvalidWeights when
    the file belongs to another architecture, does not exist, or cannot be had.
    """
    options: dict[str, Any] = {
        "include_top": False,
        "input_shape": (network.height, network.width, 3),
        "alpha": network.alpha,
    }
    if network.architecture.startswith("mobilenet_v3"):
        options["include_preprocessing"] = False  # the same −1..1 as V1 and V2, scaled by the encoder
    application = _APPLICATIONS[network.architecture]
    if weights == "imagenet":
        try:
            built = application(weights="imagenet", **options)
        except Exception as error:  # Keras turns urllib's many errors into bare Exception
            raise InvalidWeights(
                f"the ImageNet weights of {network.architecture} could not be had: {error}",
                remedy="go online once, or pass the path of a .weights.h5 file",
            ) from error
    else:
        built = application(weights=None, **options)
        if weights != "none":
            _load(built, Path(weights), network)
    return _tuned(built, network, precision)


def _load(built: keras.Model, path: Path, network: Network) -> None:
    if not path.is_file():
        raise InvalidWeights(f"there is no weights file at {path}", expected="a .weights.h5 file, or 'imagenet'")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns of parts that the file does not hold
            built.load_weights(path)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        reason = str(error).split(". ")[0].splitlines()[0]
        raise InvalidWeights(
            f"{path} does not fit {network.architecture} of width {network.alpha}: {reason}",
            expected=f"weights of {network.architecture} without its top, alpha {network.alpha}",
            remedy="choose the architecture the file was made for, or another file",
        ) from error


def _tuned(built: keras.Model, network: Network, precision: Precision) -> keras.Model:
    """Rebuild with quick batch-normalisation statistics and, for last stride 1, no last halving.

    MixStyle comes before the third and the fourth halving, the ends of the first stages.
    """
    strided = [layer for layer in built.layers if getattr(layer, "strides", (1, 1)) == (2, 2)]
    last = strided[-1].name if network.last_stride == 1 else None
    padding = _padding_before(built, last) if last is not None else None

    def rebuilt(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if isinstance(layer, layers.Layer):  # V3 has bare operations between its layers
            config["dtype"] = precision
        if isinstance(layer, layers.BatchNormalization):
            config["momentum"] = network.norm_momentum
        if layer.name == last:
            config["strides"] = (1, 1)
        if layer.name == padding:
            margin = strided[-1].kernel_size[0] // 2  # what 'same' pads when nothing is skipped
            config["padding"] = ((margin, margin), (margin, margin))
        return layer.__class__.from_config(config)

    early = [layer.name for layer in strided[2:4]] if network.mix_style else []
    mixed = {_padding_before(built, name) or name for name in early}  # where there is padding, before it

    def called(layer: keras.Operation, *inputs: Any, **options: Any) -> Any:
        if layer.name in mixed:
            mix = MixStyle(network.mix_style, name=f"{layer.name}_mixed", dtype=precision)
            inputs = (mix(inputs[0]), *inputs[1:])
        return layer(*inputs, **options)

    clone: keras.Model = keras.models.clone_model(built, clone_function=rebuilt, call_function=called)
    clone.set_weights(built.get_weights())
    return clone


def _padding_before(network: keras.Model, name: str) -> str | None:
    """Name the ZeroPadding2D that feeds the layer, if one does."""
    names = [layer.name for layer in network.layers]
    before = network.layers[names.index(name) - 1]
    return before.name if isinstance(before, layers.ZeroPadding2D) else None
