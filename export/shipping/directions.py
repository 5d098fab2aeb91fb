"""Find the directions in which what a model saw in training varies, and bundle them with its ONNX file."""

import numpy as np
import onnx

from gallery.bundled.directions import DIRECTIONS_KEY, Directions
from gallery.domain import Embedding
from gallery.model_card import digest_of
from gallery.quality import strangeness

USUAL = 0.99  # the share of pictures of people outside training that are not strange
_ONE_IN = 8  # dimensions: fewer refuse less of what is upside down, more refuse no noise


def learned(training: Embedding, held_out: Embedding) -> Directions:
    """Find where unit rows ``training`` [n, d] lie; ``held_out`` [m, d], other people's, say what is usual.

    The directions, one for eight dimensions, are the eigenvectors of ``training``'s second moments with the largest
    eigenvalues: the principal components of Pearson (1901) about the origin, since the rows' mean is near it.
    """
    dimension = training.shape[1]
    moments = training.T.astype(np.float64) @ training
    _, vectors = np.linalg.eigh(moments)  # ascending
    rows = np.ascontiguousarray(vectors[:, : -max(1, dimension // _ONE_IN) - 1 : -1].T, np.float32)
    return Directions(rows, float(np.quantile(strangeness(held_out, rows), USUAL)))


def with_directions(onnx_model: bytes, directions: Directions) -> bytes:
    """Write ``directions`` into the file's metadata, and leave its card and digest as they are."""
    proto = onnx.load_model_from_string(onnx_model)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    metadata[DIRECTIONS_KEY] = directions.record(digest_of(onnx_model))
    onnx.helper.set_model_props(proto, metadata)
    return bytes(proto.SerializeToString())
