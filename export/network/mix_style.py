"""MixStyle: while training, pictures lend each other the statistics of their early feature maps.

Zhou et al., "Domain Generalization with MixStyle" (ICLR 2021). What differs between cameras and places (light, colour,
contrast) lies largely in the mean and deviation of early channels; mixed at random, they tell nothing of who it is.
"""

from typing import Any

import keras
from keras import layers, ops

_FLATTEST = 1e-6  # added to variances before their root


@keras.saving.register_keras_serializable(package="gallery")
class MixStyle(layers.Layer):  # type: ignore[misc]
    """Give each picture, with a probability, a mix of its own statistics and another picture's of the batch."""

    def __init__(self, probability: float = 0.5, concentration: float = 0.1, seed: int = 0, **options: Any) -> None:
        """Mix by λ ~ Beta(``concentration``, ``concentration``); 0.1 mostly keeps one style or takes the other."""
        super().__init__(**options)
        self._probability, self._concentration, self._seed = probability, concentration, seed
        self._random = keras.random.SeedGenerator(seed)

    def call(self, maps: Any, training: bool | None = None) -> Any:
        """Return maps [b, h, w, c] with other statistics, or as they are when not training."""
        if not training:
            return maps
        mean = ops.stop_gradient(ops.mean(maps, axis=(1, 2), keepdims=True))
        deviation = ops.stop_gradient(ops.sqrt(ops.var(maps, axis=(1, 2), keepdims=True) + _FLATTEST))
        batch = ops.shape(maps)[0]
        shape = (batch, 1, 1, 1)
        own = keras.random.beta(shape, self._concentration, self._concentration, dtype=maps.dtype, seed=self._random)
        chosen = keras.random.uniform(shape, dtype=maps.dtype, seed=self._random) < self._probability
        own = ops.where(chosen, own, ops.ones_like(own))
        others = keras.random.shuffle(ops.arange(batch), seed=self._random)
        mixed_mean = own * mean + (1 - own) * ops.take(mean, others, axis=0)
        mixed_deviation = own * deviation + (1 - own) * ops.take(deviation, others, axis=0)
        return (maps - mean) / deviation * mixed_deviation + mixed_mean

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        own = {"probability": self._probability, "concentration": self._concentration, "seed": self._seed}
        return {**super().get_config(), **own}
