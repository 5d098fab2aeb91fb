"""Templates ↔ points as Qdrant's client has them."""

from collections.abc import Sequence

import numpy as np
from qdrant_client import models

from gallery.domain import Embedding, Gallery, Neighbour, Template
from gallery.qdrant_store.conditions import IDENTITY
from gallery.records import checked_embeddings, foreign_point, neighbour_of, payload_of, template_of


def points_of(gallery: Gallery, templates: Sequence[Template]) -> list[models.PointStruct]:
    """Write templates as points, each id once; raises ModelMismatch and InvalidModel as `checked_embeddings`."""
    chosen = {template.info.template_id: template for template in templates}
    vectors = checked_embeddings(gallery, list(chosen.values()))
    return [
        models.PointStruct(id=str(key), vector=vector, payload=payload_of(template.info))
        for (key, template), vector in zip(chosen.items(), vectors.tolist(), strict=True)
    ]


def template_of_record(record: models.Record, gallery: Gallery) -> Template:
    """Read a template with its embedding; raises StoreCorrupt."""
    return template_of(record.id, record.payload, embedding_of_record(record, gallery), gallery)


def embedding_of_record(record: models.Record, gallery: Gallery) -> Embedding:
    """Read a point's vector; raises StoreCorrupt."""
    if not isinstance(record.vector, list):
        raise foreign_point(record.id, gallery.gallery_id, "it has no single vector")
    return np.asarray(record.vector, np.float32)


def neighbour_of_point(point: models.ScoredPoint, gallery: Gallery) -> Neighbour:
    """Read a search's hit, with its identity and model; raises StoreCorrupt."""
    payload = point.payload or {}
    if payload.get("model_digest") != gallery.model_digest:
        raise foreign_point(point.id, gallery.gallery_id, "it was made by another model than the gallery's")
    return neighbour_of(point.id, payload.get(IDENTITY), point.score, gallery.gallery_id)
