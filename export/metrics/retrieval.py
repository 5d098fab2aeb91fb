"""Closed-set retrieval by the Market-1501 protocol: CMC, mAP and mINP.

One query a person and camera (their first image there, in the order given); the gallery is every image; images of
the query's own person taken by the query's own camera are left out of its ranking. An image whose camera is not
known counts as taken by a camera of its own, so that only the query itself is left out.
Sources: CMC and mAP, Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015;
mINP, Ye et al., "Deep Learning for Person Re-identification: A Survey and Outlook", TPAMI 2022, eq. 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.metrics.intervals import Estimate, bootstrap_mean
from gallery.domain import Embedding

_QUERIES_AT_ONCE = 256
_LEFT_OUT = np.float32(np.inf)


@dataclass(frozen=True)
class Labels:
    """Who is in each embedded image and which camera took it, as codes: int64 [n] each."""

    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]

    @classmethod
    def of(cls, identities: Sequence[str], cameras: Sequence[str | None]) -> "Labels":
        """Code names as numbers in sorted order; an unknown camera (None) is one of its own for each image."""
        _, people = np.unique(np.asarray(identities, dtype=np.str_), return_inverse=True)
        known = {name: code for code, name in enumerate(sorted({name for name in cameras if name is not None}))}
        codes = [known[name] if name is not None else len(known) + row for row, name in enumerate(cameras)]
        return cls(people.astype(np.int64), np.asarray(codes, np.int64))

    def __len__(self) -> int:
        """Count the images."""
        return len(self.identities)

    def of_rows(self, rows: NDArray[np.int64]) -> "Labels":
        """Return the labels of some images only."""
        return Labels(self.identities[rows], self.cameras[rows])


@dataclass(frozen=True)
class Retrieval:
    """One row a query that has a right answer in the gallery; ``first_rank`` counts from 0.

    ``without_answer`` queries were seen by one camera only and are left out, as the protocol has it.
    """

    queries: NDArray[np.int64]
    identities: NDArray[np.int64]
    average_precision: NDArray[np.float64]
    inverse_penalty: NDArray[np.float64]
    first_rank: NDArray[np.int64]
    without_answer: int

    def cmc(self, ranks: int) -> NDArray[np.float64]:
        """Return the share of queries with a right answer among the first 1..ranks: float64 [ranks]."""
        hits = np.bincount(np.minimum(self.first_rank, ranks), minlength=ranks + 1)[:ranks]
        return np.asarray(np.cumsum(hits) / max(1, len(self.queries)), np.float64)

    def rank(self, rank: int) -> Estimate:
        """Estimate the share of queries with a right answer among the first ``rank``."""
        return bootstrap_mean(self.first_rank < rank, self.identities, "queries")

    @property
    def mean_average_precision(self) -> Estimate:
        """Estimate mAP."""
        return bootstrap_mean(self.average_precision, self.identities, "queries")

    @property
    def mean_inverse_penalty(self) -> Estimate:
        """Estimate mINP: how soon the last right answer comes."""
        return bootstrap_mean(self.inverse_penalty, self.identities, "queries")


def market_queries(labels: Labels) -> NDArray[np.int64]:
    """Return the first image of each person at each camera: row numbers, int64 [queries], ascending."""
    pairs = np.stack([labels.identities, labels.cameras], axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    return np.sort(first).astype(np.int64)


def retrieve(embeddings: Embedding, labels: Labels) -> Retrieval:
    """Rank all images for every query. ``embeddings`` are unit float32 [n, d]; equal distances keep their order."""
    queries = market_queries(labels)
    parts = [
        _rank(embeddings, labels, queries[start : start + _QUERIES_AT_ONCE])
        for start in range(0, len(queries), _QUERIES_AT_ONCE)
    ]
    precision, penalty, first, answered = (np.concatenate(column) for column in zip(*parts, strict=True))
    kept = queries[answered]
    return Retrieval(
        kept,
        labels.identities[kept],
        precision[answered],
        penalty[answered],
        first[answered],
        int((~answered).sum()),
    )


def ranked_gallery(embeddings: Embedding, labels: Labels, query: int, limit: int) -> list[tuple[int, float]]:
    """Return the nearest rows to one query, as the protocol ranks them: (row, cosine distance), nearest first."""
    distances = _distances(embeddings, labels, np.asarray([query]))[0]
    order = np.argsort(distances, kind="stable")[:limit]
    return [(int(row), float(distances[row])) for row in order if np.isfinite(distances[row])]


def _distances(embeddings: Embedding, labels: Labels, queries: NDArray[np.int64]) -> Embedding:
    distances = 1.0 - embeddings[queries] @ embeddings.T
    same_person = labels.identities[queries, None] == labels.identities[None]
    same_camera = labels.cameras[queries, None] == labels.cameras[None]
    return np.where(same_person & same_camera, _LEFT_OUT, distances).astype(np.float32, copy=False)


def _rank(
    embeddings: Embedding, labels: Labels, queries: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    distances = _distances(embeddings, labels, queries)
    order = np.argsort(distances, axis=1, kind="stable")
    right = labels.identities[order] == labels.identities[queries, None]
    right &= np.isfinite(np.take_along_axis(distances, order, axis=1))
    found = np.cumsum(right, axis=1)
    total = found[:, -1]
    answered = total > 0
    places = np.arange(1, right.shape[1] + 1)
    precision = np.where(right, found / places, 0.0).sum(axis=1) / np.maximum(total, 1)
    last = right.shape[1] - np.argmax(right[:, ::-1], axis=1)
    return precision, total / last, np.argmax(right, axis=1).astype(np.int64), answered
