"""Find the centres of what a model saw in training, and bundle them with its ONNX file."""

import numpy as np
import onnx

from gallery.bundled.centroids import CENTROIDS_KEY, Centroids
from gallery.domain import Embedding
from gallery.model_card import digest_of

COUNT = 256
USUAL = 0.99  # the share of pictures of people outside training that are not strange
_STEPS = 15


def learned(training: Embedding, held_out: Embedding, *, count: int = COUNT, seed: int = 0) -> Centroids:
    """Cluster unit rows ``training`` [n, d] by cosine; ``held_out`` [m, d], other people's, say what is usual.

    Source: spherical k-means, Dhillon and Modha, "Concept decompositions", Machine Learning 42 (2001).
    """
    random = np.random.default_rng(seed)
    centres = training[random.choice(len(training), min(count, len(training)), replace=False)]
    for _ in range(_STEPS):
        sums = np.zeros_like(centres)
        np.add.at(sums, np.argmax(training @ centres.T, axis=1), training)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 1e-6, sums / np.maximum(lengths, 1e-6), centres)  # an empty cluster stays
    return Centroids(centres, float(np.quantile(strangeness(held_out, centres), USUAL)))


def strangeness(embeddings: Embedding, centres: Embedding) -> Embedding:
    """Return each row's cosine distance to the nearest centre: float32 [n]."""
    return np.asarray(1.0 - (embeddings @ centres.T).max(axis=1), np.float32)


def with_centroids(onnx_model: bytes, centroids: Centroids) -> bytes:
    """Write ``centroids`` into the file's metadata, and leave its card and digest as they are."""
    proto = onnx.load_model_from_string(onnx_model)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    metadata[CENTROIDS_KEY] = centroids.record(digest_of(onnx_model))
    onnx.helper.set_model_props(proto, metadata)
    return bytes(proto.SerializeToString())
