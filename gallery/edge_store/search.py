"""Exact search in a shard of the engine, which does the arithmetic; whose a hit is and whether it fits is in `Rows`.

No approximate index is used: strangers are whom such an index misses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from struct import Struct
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from qdrant_edge import CountRequest, Query, QueryBatchRequest, QueryRequest, SearchParams

from gallery.domain import (
    EVERYTHING,
    MAX_DISTANCE,
    Candidate,
    Embedding,
    Fusion,
    Gallery,
    Neighbour,
    TemplateFilter,
)
from gallery.edge_store.conditions import condition_of
from gallery.edge_store.rows import Rows, sieve_of
from gallery.matching import considered, rank
from gallery.matching.mean_lengths import MeanLengths

Hit: TypeAlias = tuple[int, str, float]
"""A template's id as an integer, its identity, and its cosine similarity to the probe."""

_BROAD = 8  # a filter that more than an eighth of all fit costs the engine more than it saves
_SPARE = 2  # times as many as should do are fetched, since those near the probe may fit less often than others
_FETCHED, _MOST_FETCHED = 128, 10_000  # hits cost 2 µs each, a search through 100,000 templates 7 ms
_AT_FIRST = 32  # templates at least, among which people are looked for
_MORE = 8
_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Search:
    """The search in one shard. ``vector`` is float32 [dimension] everywhere."""

    engine: Any
    gallery: Gallery
    rows: Rows
    mean_lengths: MeanLengths

    def nearest(self, vector: Embedding, limit: int, where: TemplateFilter) -> list[Hit]:
        """Find the ``limit`` nearest templates that fit, nearest first."""
        return self._at_least(vector, limit, self._narrowed(where))[: max(limit, 0)]

    def nearest_to_each(
        self, identity_ids: Sequence[str], vectors: Embedding, limit: int, where: TemplateFilter
    ) -> list[list[Hit]]:
        """Find the nearest templates to each of ``vectors`` [n, d], and the nearest of its own identity if it has one.

        Together they are compared in one pass over the templates, which a cold cache makes twice as fast.
        """
        where = self._narrowed(where)
        if where == EVERYTHING:
            found = self._hits_of_each(vectors, min(limit, len(self.rows)))
        else:
            found = [self._at_least(vector, limit, where)[: max(limit, 0)] for vector in vectors]
        for identity_id, vector, hits in zip(identity_ids, vectors, found, strict=True):
            if all(own != identity_id for _, own, _ in hits):
                hits.extend(self._at_least(vector, 1, replace(where, identity_ids=(identity_id,)))[:1])
        return found

    def rank(self, vector: Embedding, limit: int, fusion: Fusion, where: TemplateFilter) -> tuple[Candidate, ...]:
        """Rank the identities that have the nearest templates, as `matching.rank` does."""
        where = self._narrowed(where)
        nearest = self._nearest_people(vector, considered(limit, fusion), where)
        if fusion is Fusion.BEST:
            return rank([_neighbour(*hit) for hit in nearest], limit)
        if fusion is Fusion.MEAN and where == EVERYTHING:
            return self._rank_by_means(vector, nearest, limit)
        found = self._templates_of([identity_id for _, identity_id, _ in nearest], vector, where)
        near = [neighbour for neighbour, _ in found]
        lengths: dict[str, float] = {}
        if fusion is Fusion.MEAN:
            lengths, others = self.mean_lengths.known(self.gallery.model_digest, near)
            if others:
                unknown = [(neighbour, point) for neighbour, point in found if neighbour.identity_id not in lengths]
                neighbours = [neighbour for neighbour, _ in unknown]
                lengths |= self.mean_lengths.learnt(self.gallery.model_digest, neighbours, self._embeddings(unknown))
        return rank(near, limit, fusion, lengths)

    def _narrowed(self, where: TemplateFilter) -> TemplateFilter:
        """Let a filter go that leaves nothing out."""
        return EVERYTHING if self.rows.all_fit(where) else where

    def _nearest_people(self, vector: Embedding, people: int, where: TemplateFilter) -> list[Hit]:
        """Find the people who have the nearest templates: the nearest of each, nearest first."""
        if people < 1:
            return []
        each_has = len(self.rows) // max(1, len(self.rows.catalogue))
        limit = max(_AT_FIRST, self.rows.crowd.hits(people, each_has))
        while True:
            hits = self._at_least(vector, limit, where)
            first: dict[str, Hit] = {}
            needed = 0
            for place, hit in enumerate(hits, 1):
                if hit[1] not in first:
                    first[hit[1]], needed = hit, place
                    if len(first) == people:
                        break
            if len(first) == people:
                self.rows.crowd.learn(people, needed)
            if len(first) == people or len(hits) < limit:
                return list(first.values())
            limit *= _MORE

    def _rank_by_means(self, vector: Embedding, nearest: Sequence[Hit], limit: int) -> tuple[Candidate, ...]:
        """Rank people, all of whose templates count, by the normalised means of these; as `matching.rank` does."""
        several = [identity_id for _, identity_id, _ in nearest if self.rows.catalogue.count(identity_id) > 1]
        means = self.rows.means.known(several)
        if unknown := [identity_id for identity_id in several if identity_id not in means]:
            means |= self._learnt(unknown, vector)
        rows = np.concatenate([*means.values(), vector]).reshape(-1, len(vector))  # less than half the time of np.stack
        cosines = dict(zip(means, (rows @ vector).tolist(), strict=False))
        ranked = sorted(
            (_distance(cosines.get(identity_id, similarity)), identity_id, number)
            for number, identity_id, similarity in nearest
        )
        return tuple(
            Candidate(identity_id, distance, UUID(int=number)) for distance, identity_id, number in ranked[:limit]
        )

    def _learnt(self, people: Sequence[str], vector: Embedding) -> dict[str, Embedding]:
        found = self._templates_of(people, vector, EVERYTHING)
        embeddings = self._embeddings(found)
        sums: dict[str, Embedding] = {}
        for near, _ in found:
            sums[near.identity_id] = sums.get(near.identity_id, 0.0) + embeddings[near.template_id]
        means = {name: total / max(float(np.linalg.norm(total)), _TINY) for name, total in sums.items()}
        for name, mean in means.items():
            self.rows.means.remember(name, mean)
        return means

    def _at_least(self, vector: Embedding, limit: int, where: TemplateFilter) -> list[Hit]:
        """Find the nearest that fit: ``limit`` of them or some more, or all.

        A filter that few fit is the engine's to apply. One that many fit is applied to what is nearest of all, and is
        the engine's only if too few are left.
        """
        total = len(self.rows)
        limit = min(limit, total)
        if where.identity_ids:
            limit = min(limit, sum(map(self.rows.catalogue.count, where.identity_ids)))
        if limit < 1:
            return []
        if where == EVERYTHING:
            return self._hits(vector, limit)
        condition, fits = condition_of(where), sieve_of(where)
        fitting = self.engine.count(CountRequest(exact=False, filter=condition))
        if _BROAD * fitting > total:
            fetched = limit if fitting >= total else max(_FETCHED, _SPARE * limit * total // fitting)
            while fetched <= _MOST_FETCHED:
                hits = [hit for hit in self._hits(vector, min(fetched, total)) if fits(self.rows.by_id[hit[0]])]
                if len(hits) >= limit or fetched >= total:
                    return hits
                fetched *= _MORE
        return self._hits(vector, limit, condition)

    def _hits(self, vector: Embedding, limit: int, condition: Any = None) -> list[Hit]:
        return self._read(self._query(vector, limit, condition, with_vector=False))

    def _hits_of_each(self, vectors: Embedding, limit: int) -> list[list[Hit]]:
        if limit < 1:
            return [[] for _ in vectors]
        requests = [_request(vector, limit, None, with_vector=False) for vector in vectors]
        return [self._read(found) for found in self.engine.query_batch(QueryBatchRequest(requests))]

    def _read(self, found: Iterable[Any]) -> list[Hit]:
        rows = self.rows.by_id
        return [(number := point.id.int, rows[number].identity_id, point.score) for point in found]

    def _templates_of(
        self, people: Sequence[str], vector: Embedding, where: TemplateFilter
    ) -> list[tuple[Neighbour, Any]]:
        """Find all templates of these people that fit, nearest first, each with its point, which has its embedding."""
        if not people:
            return []
        found, fits = [], sieve_of(where)
        count = sum(self.rows.catalogue.count(identity_id) for identity_id in people)
        condition = condition_of(TemplateFilter(identity_ids=tuple(people)))
        for point in self._query(vector, count, condition, with_vector=True):
            point_id = point.id
            row = self.rows.by_id[point_id.int]
            if fits(row):
                found.append((Neighbour(point_id, row.identity_id, _distance(point.score)), point))
        return found

    def _embeddings(self, found: Sequence[tuple[Neighbour, Any]]) -> dict[UUID, Embedding]:
        """Read the embeddings, 10 µs each: that is why those that are not needed are left alone."""
        pack = Struct(f"{self.gallery.dimension}f").pack  # twice as fast as numpy is with a list
        return {neighbour.template_id: np.frombuffer(pack(*point.vector), np.float32) for neighbour, point in found}

    def _query(self, vector: Embedding, limit: int, condition: Any, *, with_vector: bool) -> list[Any]:
        found: list[Any] = self.engine.query(_request(vector, limit, condition, with_vector=with_vector))
        return found


def _request(vector: Embedding, limit: int, condition: Any, *, with_vector: bool) -> QueryRequest:
    return QueryRequest(
        query=Query.Nearest(vector.tolist()),
        limit=limit,
        filter=condition,
        with_payload=False,
        with_vector=with_vector,
        params=SearchParams(exact=True),
    )


def _neighbour(number: int, identity_id: str, similarity: float) -> Neighbour:
    return Neighbour(UUID(int=number), identity_id, _distance(similarity))


def _distance(similarity: float) -> float:
    return min(max(1.0 - similarity, 0.0), MAX_DISTANCE)
