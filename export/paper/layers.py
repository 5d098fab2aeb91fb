"""The paper's two layers: Normalize-Scale, and the centres with a score for each.

Zheng et al., "Towards Optimal Fine Grained Retrieval via Decorrelated Centralized Loss with Normalize-Scale
Layer", AAAI-19, pp. 9291–9298, as its first author's prototype has them (`zhengxiawu/DGRL_OPFE`).
"""

from typing import Any

import keras
from keras import layers, ops

from export.network.losses import unit


@keras.saving.register_keras_serializable(package="gallery")
class NormalizeScale(layers.Layer):  # type: ignore[misc]
    """f = s·[GAP(x)/‖GAP(x)‖ ; GMP(x)/‖GMP(x)‖]: maps [b, h, w, c] to [b, 2c] on a sphere of radius s·√2."""

    def __init__(self, scale: float = 128.0, **options: Any) -> None:
        """``scale`` is s."""
        super().__init__(**options)
        self.scale = scale

    def call(self, maps: Any) -> Any:
        """Pool, normalise each half, scale."""
        average, largest = ops.mean(maps, axis=(1, 2)), ops.max(maps, axis=(1, 2))
        return self.scale * ops.concatenate([unit(average), unit(largest)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable(package="gallery")
class Centres(layers.Layer):  # type: ignore[misc]
    """z = f Wᵀ + b with W ≥ 0 [C, d]: the prototype's W ← ReLU(W) is a projection after each step."""

    def __init__(self, classes: int, **options: Any) -> None:
        """``classes`` is C."""
        super().__init__(**options)
        self.classes = classes

    def build(self, shape: Any) -> None:
        """Create W and b; W begins where ReLU leaves PyTorch's uniform ±1/√d, on average."""
        bound = float(shape[-1]) ** -0.5
        self.centres = self.add_weight(
            name="centres",
            shape=(self.classes, shape[-1]),
            initializer=keras.initializers.RandomUniform(0.0, bound),
            constraint=keras.constraints.NonNeg(),
        )
        self.bias = self.add_weight(name="bias", shape=(self.classes,), initializer="zeros")
        super().build(shape)

    def call(self, features: Any) -> Any:
        """Score [b, d] against every centre: [b, C]."""
        return ops.matmul(features, ops.transpose(self.centres)) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="gallery")
class CosineCentres(layers.Layer):  # type: ignore[misc]
    """cos θ_j = ẑ·ŵ_j with z = f Pᵀ: features are projected to ``dimension``, both sides have length 1."""

    def __init__(self, classes: int, dimension: int, **options: Any) -> None:
        """``classes`` is C, ``dimension`` is d."""
        super().__init__(**options)
        self.classes, self.dimension = classes, dimension

    def build(self, shape: Any) -> None:
        """Create the projection P [features, d] and the centres W [C, d]."""
        self.projection = self.add_weight(
            name="projection", shape=(shape[-1], self.dimension), initializer="glorot_uniform"
        )
        self.centres = self.add_weight(name="centres", shape=(self.classes, self.dimension), initializer="orthogonal")
        super().build(shape)

    def call(self, features: Any) -> Any:
        """Return the cosines [b, C] in [−1, 1]."""
        embedding = unit(ops.matmul(features, self.projection))
        return ops.matmul(embedding, ops.transpose(unit(self.centres)))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "classes": self.classes, "dimension": self.dimension}
