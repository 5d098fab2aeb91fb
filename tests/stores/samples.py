"""Galleries, templates and embeddings for the stores' tests, drawn from seeds."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import numpy as np

from gallery.domain import (
    NO_CONTEXT,
    Context,
    Embedding,
    Gallery,
    LedgerEntry,
    Move,
    Region,
    Template,
    TemplateInfo,
    Threshold,
    ThresholdOrigin,
    template_id_of,
)

DIMENSION = 16
MODEL = hashlib.sha256(b"a model").hexdigest()
OTHER_MODEL = hashlib.sha256(b"another model").hexdigest()
NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


def make_gallery(gallery_id: str, *, dimension: int = DIMENSION, threshold: float | None = None) -> Gallery:
    pinned = () if threshold is None else (Threshold(1, threshold, ThresholdOrigin.PINNED, NOON),)
    return Gallery(gallery_id, MODEL, "a model", dimension, NOON, pinned)


def unit(seed: int, dimension: int = DIMENSION) -> Embedding:
    vector = np.random.default_rng(seed).normal(size=dimension).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def from_mean(probe: int, *seeds: int) -> float:
    """Compute the distance of one `unit` from the normalised mean of others."""
    mean = sum(unit(seed).astype(np.float64) for seed in seeds)
    return 1.0 - float(unit(probe) @ (mean / np.linalg.norm(mean)))


def make_template(
    identity_id: str,
    seed: int,
    *,
    embedding: Embedding | None = None,
    region: Region | None = None,
    model_digest: str = MODEL,
    context: Context = NO_CONTEXT,
    expires_at: datetime | None = None,
    move: Move | None = None,
) -> Template:
    image_digest = hashlib.sha256(str(seed).encode()).hexdigest()
    info = TemplateInfo(
        template_id=template_id_of(identity_id, image_digest, region),
        identity_id=identity_id,
        model_digest=model_digest,
        image_digest=image_digest,
        enrolled_at=NOON + timedelta(seconds=seed),
        region=region,
        context=context,
        expires_at=expires_at,
        move=move,
    )
    return Template(info, unit(seed) if embedding is None else embedding)


def entry(gallery_id: str, recorded_at: datetime) -> LedgerEntry:
    return LedgerEntry(uuid.uuid4(), gallery_id, recorded_at, "ab" * 32, identity="cd" * 32)
