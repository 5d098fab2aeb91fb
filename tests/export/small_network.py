"""A network of a backbone's shape that is built and traced in no time."""

import keras

from export.network.recipe import Network, Precision


def small_network(network: Network, *, weights: str, precision: Precision = "float32") -> keras.Model:
    """Build two convolutions where a MobileNet has dozens; a BackboneBuilder."""
    assert weights == "none"
    images = keras.Input((network.height, network.width, 3))
    maps = keras.layers.Conv2D(8, 3, 4, "same", use_bias=False, name="first")(images)
    maps = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, name="first_norm")(maps))
    maps = keras.layers.ReLU()(keras.layers.Conv2D(16, 3, 2, "same", name="last", dtype=precision)(maps))
    return keras.Model(images, maps)
