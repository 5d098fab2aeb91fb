"""Losses of metric learning in `keras.ops`, free of one backend. Each returns a scalar, the batch's mean.

The Decorrelated Centralized Loss follows Zheng et al., "Centralized Ranking Loss with Weakly Supervised
Localization for Fine-Grained Object Retrieval" / DGCRL (AAAI-19, pp. 9291–9298), in two forms: the authors'
prototype (`zhengxiawu/DGRL_OPFE`) and one on cosines. Symbols: B batch, C classes, d dimension.
"""

from typing import Any, TypeAlias

from keras import ops

Tensor: TypeAlias = Any

_SHORTEST = 1e-24  # the squared length below which a row counts as zero
_NEAREST = 1e-12  # the squared distance below which the square root's slope would grow without bound


def unit(vectors: Tensor) -> Tensor:
    """Scale rows [n, d] to length 1: z / max(‖z‖, 10⁻¹²), so a zero row stays zero."""
    squares = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(squares, _SHORTEST))


def smoothed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of logits [B, C] with labels [B], the target being (1 − ε)·onehot + ε/C (Szegedy et al. 2016)."""
    log_probabilities = ops.log_softmax(logits, axis=-1)
    classes = logits.shape[-1]
    target = ops.one_hot(labels, classes, dtype=logits.dtype) * (1.0 - smoothing) + smoothing / classes
    return -ops.mean(ops.sum(target * log_probabilities, axis=-1))


def cosine_ranking(cosines: Tensor, labels: Tensor, scale: float, margin: float, smoothing: float = 0.0) -> Tensor:
    """L_rank = CE(s·(cos θ_j − m·1[j = y])): the margin is on the cosine (CosFace, Wang et al. 2018).

    ``cosines`` [B, C] in [−1, 1], ``labels`` [B].
    """
    own = ops.one_hot(labels, cosines.shape[-1], dtype=cosines.dtype)
    return smoothed_cross_entropy(scale * (cosines - margin * own), labels, smoothing)


def centralization(cosines: Tensor, labels: Tensor) -> Tensor:
    """L_cent = mean(1 − cos θ_y): how far images lie from the centre of their own class, in [0, 2]."""
    own = ops.one_hot(labels, cosines.shape[-1], dtype=cosines.dtype)
    return 1.0 - ops.mean(ops.sum(own * cosines, axis=-1))


def decorrelation(centres: Tensor) -> Tensor:
    """L_dec = Σ_{i≠j} [ŵ_i·ŵ_j]₊² / (C(C − 1)) of centres [C, d], C ≥ 2.

    One-sided: centres may be more than 90° apart, so three of them are not pulled back from 120°.
    """
    directions = unit(centres)
    classes = centres.shape[0]
    cosines = ops.matmul(directions, ops.transpose(directions)) * (1.0 - ops.eye(classes))
    return ops.sum(ops.square(ops.relu(cosines))) / (classes * (classes - 1))


def prototype_ranking(logits: Tensor, labels: Tensor, margin: float = 4.0) -> Tensor:
    """L_rank of the authors' prototype: CE(z − m·onehot(y), y), the margin being on the logits [B, C]."""
    own = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return smoothed_cross_entropy(logits - margin * own, labels)


def prototype_decorrelation(centres: Tensor) -> Tensor:
    """L_dec of the authors' prototype: CE(W Wᵀ, (0 … C − 1)) of centres W [C, d]."""
    return smoothed_cross_entropy(ops.matmul(centres, ops.transpose(centres)), ops.arange(centres.shape[0]))


def batch_hard_triplet(features: Tensor, labels: Tensor) -> Tensor:
    """Soft-margin batch-hard triplet loss of features [B, d], Euclidean (Hermans et al. 2017).

    mean softplus(d(a, hardest positive) − d(a, hardest negative)), the positive being nobody but another image
    where there is one. A batch of one identity has no negative and gives 0.
    """
    squares = ops.sum(ops.square(features), axis=-1)
    squared = squares[:, None] + squares[None, :] - 2.0 * ops.matmul(features, ops.transpose(features))
    distances = ops.sqrt(ops.maximum(squared, _NEAREST))
    same = ops.cast(ops.equal(labels[:, None], labels[None, :]), features.dtype)
    far = 1e6
    positive = ops.max(distances * same, axis=1)
    negative = ops.min(distances + far * same, axis=1)
    return ops.mean(ops.softplus(positive - negative))
