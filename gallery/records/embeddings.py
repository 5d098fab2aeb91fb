"""What an embedding must be to be stored or compared: the engines would take anything without a word."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gallery.domain import Embedding, Gallery, Template
from gallery.errors import InvalidModel, ModelMismatch

UNIT_TOLERANCE = 1e-3
"""How far an embedding's Euclidean norm may be from 1."""


def checked_embeddings(gallery: Gallery, templates: Sequence[Template]) -> NDArray[np.float32]:
    """Stack the templates' embeddings, float32 [templates, dimension], fit to be stored in ``gallery``.

    Raises ModelMismatch for another model's template or dimension, and InvalidModel for an embedding that is no
    finite unit vector: the engines would store it without a word.
    """
    for template in templates:
        if template.info.model_digest != gallery.model_digest:
            raise ModelMismatch(
                f"the template {template.info.template_id} was made by the model {template.info.model_digest[:12]}…",
                expected=f"{gallery.model_digest[:12]}…, the model of the gallery {gallery.gallery_id!r}",
            )
    checked = [checked_embedding(gallery, template.embedding) for template in templates]
    return np.stack(checked) if checked else np.empty((0, gallery.dimension), np.float32)


def checked_embedding(gallery: Gallery, embedding: Embedding) -> Embedding:
    """Return ``embedding`` as contiguous float32 [dimension]; raises ModelMismatch, InvalidModel."""
    vector = np.ascontiguousarray(embedding, np.float32)
    if vector.shape != (gallery.dimension,):
        raise ModelMismatch(
            f"the embedding has the shape {vector.shape}",
            expected=f"({gallery.dimension},), the dimension of the gallery {gallery.gallery_id!r}",
        )
    norm = math.sqrt(np.dot(vector, vector))
    if not abs(norm - 1.0) <= UNIT_TOLERANCE:
        raise InvalidModel(
            f"the embedding is no unit vector: its length is {norm}",
            expected="finite values of length 1",
            remedy="check the model with `gallery model check`",
        )
    return vector
