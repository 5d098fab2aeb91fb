"""The model that is trained: the encoder, the identities' centres, and the sum of losses between them."""

from typing import Any

import keras
from keras import ops

from export.network import losses
from export.network.recipe import Objective


class Learner(keras.Model):  # type: ignore[misc]
    """Encoder and centres; `fit` works on every backend because the loss is written in `keras.ops`."""

    def __init__(
        self, encoder: keras.Model, identities: int, objective: Objective, parts: tuple[int, ...] | None = None
    ) -> None:
        """``identities`` is how many people train: one centre each. ``parts`` are the embedding's, if it has any."""
        super().__init__(name="learner")
        self.encoder = encoder
        self._objective = objective
        dimension = encoder.outputs[1].shape[-1]
        self._parts = (dimension,) if parts is None else parts
        self.centres = self.add_weight(
            name="centres", shape=(identities, dimension), initializer=keras.initializers.RandomNormal(0, 0.05, seed=1)
        )
        self._ranked = keras.metrics.Mean(name="accuracy")
        self.built = True

    def call(self, images: Any, training: bool | None = None) -> Any:
        """Return (feature before BN, unit embedding), each [batch, dimension]."""
        return self.encoder(images, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Add up the recipe's losses for labels ``y`` [batch]; also counts how often the own centre is nearest."""
        del x, sample_weight, training
        feature, embedding = y_pred
        labels = ops.cast(y, "int32")
        apart = self._cosines(embedding)
        cosines = sum(
            size / sum(self._parts) * of_part for size, of_part in zip(self._parts, apart, strict=True)
        )  # the whole embedding's
        self._ranked.update_state(ops.cast(ops.equal(ops.argmax(cosines, axis=-1), labels), "float32"))
        wanted = self._objective
        whole, *stripes = [
            losses.cosine_ranking(of_part, labels, wanted.scale, wanted.margin, wanted.smoothing) for of_part in apart
        ]
        total = whole
        if stripes:
            total = total + wanted.stripes * sum(stripes) / len(stripes)
        if wanted.triplet:
            total = total + wanted.triplet * losses.batch_hard_triplet(feature, labels)
        if wanted.centralization:
            total = total + wanted.centralization * losses.centralization(cosines, labels)
        if wanted.decorrelation:
            total = total + wanted.decorrelation * losses.decorrelation(self.centres)
        return total

    def _cosines(self, embedding: Any) -> list[Any]:
        """Each part's cosines with its centres: [batch, identities], the whole picture's first."""
        found, start = [], 0
        for size in self._parts:
            rows, centres = embedding[:, start : start + size], self.centres[:, start : start + size]
            found.append(ops.matmul(losses.unit(rows), ops.transpose(losses.unit(centres))))
            start += size
        return found

    @property
    def metrics(self) -> list[Any]:
        """What `fit` reports and resets each epoch."""
        return [*super().metrics, self._ranked]
