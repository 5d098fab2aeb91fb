"""What is trained on the frozen base: the centres, by the Decorrelated Centralized Loss in either form."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from export.network import losses
from export.paper.layers import Centres, CosineCentres
from export.paper.recipe import Loss
from export.training.pace import synchronised


class Head(keras.Model):  # type: ignore[misc]
    """Centres on Normalize-Scale features; `fit` works on every backend."""

    def __init__(self, classes: int, loss: Loss) -> None:
        """``classes`` is how many people there are."""
        super().__init__(name="head")
        self._wanted = loss
        prototype = loss.form == "prototype"
        self.scores = (
            Centres(classes, name="scores") if prototype else CosineCentres(classes, loss.dimension, name="scores")
        )
        self._right = keras.metrics.Mean(name="accuracy")

    def call(self, features: Any) -> Any:
        """Return scores [b, C]: logits of the prototype's form, cosines of the other."""
        return self.scores(features)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Compute L = L_rank + λd·L_dec (+ λc·L_cent) for labels ``y`` [b]."""
        del x, sample_weight, training
        labels, wanted = ops.cast(y, "int32"), self._wanted
        self._right.update_state(ops.cast(ops.equal(ops.argmax(y_pred, axis=-1), labels), "float32"))
        centres = self.scores.centres
        if wanted.form == "prototype":
            total = losses.prototype_ranking(y_pred, labels, wanted.applied_margin)
            return total + wanted.decorrelation * losses.prototype_decorrelation(centres)
        total = losses.cosine_ranking(y_pred, labels, wanted.applied_scale, wanted.applied_margin)
        total = total + wanted.centralization * losses.centralization(y_pred, labels)
        return total + wanted.decorrelation * losses.decorrelation(centres)

    @property
    def metrics(self) -> list[Any]:
        """What `fit` reports and resets each epoch."""
        return [*super().metrics, self._right]


class GramSchmidt(keras.callbacks.Callback):  # type: ignore[misc]
    """Make the centres orthogonal after each step: Wᵀ = QR, W ← (Q·sign(diag R))ᵀ, for C ≤ d."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Replace the centres."""
        centres = synchronised(self.model).scores.centres
        centres.assign(orthogonal(np.asarray(ops.convert_to_numpy(centres), np.float32)))


def orthogonal(centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Orthonormalise rows [C, d] in their order, each turned as little as it must; C ≤ d."""
    basis, triangle = np.linalg.qr(centres.T)
    return np.ascontiguousarray((basis * np.sign(np.diag(triangle))).T, np.float32)
