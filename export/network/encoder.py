"""The network that embeds: backbone → pooling → 256-d head → BNNeck → unit length, uint8 in, unit rows out.

By choice the last maps are cut into horizontal stripes too, each with a small head and neck of its own, as in Wang et
al., "Learning Discriminative Features with Multiple Granularities for Person Re-Identification" (2018).

BNNeck is Luo et al., "Bag of Tricks and a Strong Baseline for Deep Person Re-identification" (2019): the
triplet loss sees the feature before the batch normalisation, the softmax and the gallery the one after it.
"""

from typing import Any

import keras
from keras import layers, ops

from export.errors import InvalidRecipe
from export.network.losses import unit
from export.network.recipe import Network


@keras.saving.register_keras_serializable(package="gallery")
class UnitLength(layers.Layer):  # type: ignore[misc]
    """Scale rows to length 1."""

    def call(self, vectors: Any) -> Any:
        """Take and return [batch, dimension]."""
        return unit(vectors)


@keras.saving.register_keras_serializable(package="gallery")
class GeneralizedMean(layers.Layer):  # type: ignore[misc]
    """GeM pooling, (mean xᵖ)^(1/p) with one learned p, from Radenović et al. (2018)."""

    def __init__(self, power: float = 3.0, **options: Any) -> None:
        """``power`` is where p begins; 1 is average pooling, infinity is max pooling."""
        super().__init__(**options)
        self._initial = power

    def build(self, shape: Any) -> None:
        """Create p."""
        self.power = self.add_weight(
            name="power", shape=(), initializer=keras.initializers.Constant(self._initial), trainable=True
        )
        super().build(shape)

    def call(self, maps: Any) -> Any:
        """Pool [batch, height, width, channels] to [batch, channels]."""
        powered = ops.power(ops.maximum(maps, 1e-6), self.power)
        return ops.power(ops.mean(powered, axis=(1, 2)), 1.0 / self.power)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "power": self._initial}


def encoder(maps_of: keras.Model, network: Network) -> keras.Model:
    """Build uint8 [b, h, w, 3] → (feature for the triplet [b, d], unit embedding [b, Σ parts]) on a backbone.

    Raises InvalidRecipe when the maps have fewer rows than there should be stripes.
    """
    images = layers.Input(maps_of.input_shape[1:], dtype="uint8", name="images")
    maps = maps_of(layers.Rescaling(1 / 127.5, offset=-1, name="scaled")(images))
    pooling = GeneralizedMean if network.pooling == "gem" else layers.GlobalAveragePooling2D
    feature = layers.Dense(network.dimension, use_bias=False, name="feature")(pooling(name="pooled")(maps))
    if not network.stripes:
        return keras.Model(images, (feature, UnitLength(name="embedding")(_neck(feature, network))), name="encoder")
    named = {"": feature} | {f"_{index}": _stripe(maps, index, network) for index in range(network.stripes)}
    # Unit parts by √(d_i/D) are a unit whole, and its cosine is the parts' cosines weighted by their dimensions.
    scaled = [
        layers.Rescaling((size / sum(network.parts)) ** 0.5)(UnitLength(name=f"unit{name}")(_neck(part, network, name)))
        for size, (name, part) in zip(network.parts, named.items(), strict=True)
    ]
    return keras.Model(images, (feature, layers.Concatenate(name="embedding")(scaled)), name="encoder")


def _neck(feature: Any, network: Network, name: str = "") -> Any:
    if not network.neck:
        return feature
    # γ without β: a shift would move the embeddings off the origin that cosine distances are measured from.
    return layers.BatchNormalization(center=False, momentum=network.norm_momentum, name=f"neck{name}")(feature)


def _stripe(maps: Any, index: int, network: Network) -> Any:
    """Reduce the stripe's rows of [b, h, w, c] by their maximum (Wang et al. 2018), then to its dimension."""
    rows = maps.shape[1]
    if rows < network.stripes:
        raise InvalidRecipe(
            f"maps of {rows} rows cannot be cut into {network.stripes} stripes",
            expected=f"at most {rows} stripes at this height and stride",
        )
    above, below = rows * index // network.stripes, rows - rows * (index + 1) // network.stripes
    cut = layers.Cropping2D(((above, below), (0, 0)), name=f"stripe_{index}")(maps)
    pooled = layers.GlobalMaxPooling2D(name=f"pooled_{index}")(cut)
    return layers.Dense(network.stripe_dimension, use_bias=False, name=f"feature_{index}")(pooled)


def embedder(both: keras.Model) -> keras.Model:
    """Cut the encoder to what is served: uint8 [b, h, w, 3] → unit float32 [b, dimension]."""
    return keras.Model(both.input, both.outputs[1], name="embedder")
