"""Exact search in a shard of the engine, which does the arithmetic; whose a hit is and whether it fits is in `Rows`."""

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from qdrant_edge import CountRequest, Query, QueryRequest, SearchParams

from gallery.domain import EVERYTHING, Embedding, TemplateFilter
from gallery.edge_store.conditions import condition_of
from gallery.edge_store.rows import Row, Rows, sieve_of

Hit: TypeAlias = tuple[UUID, str, float]
"""A template's id, its identity, and its cosine similarity to the probe."""

_BROAD = 8  # a filter that more than an eighth of all fit costs the engine more than it saves
_SPARE = 4  # times as many as should do are fetched, since those near the probe may fit less often than others
_FETCHED, _MOST_FETCHED = 256, 10_000  # hits cost 1 µs each, a search through 100,000 templates 7 ms
_MORE = 8


@dataclass(frozen=True)
class Search:
    """The search in one shard, without an approximate index: strangers are whom such an index misses."""

    engine: Any
    rows: Rows
    dimension: int

    def nearest(self, vector: Any, limit: int, where: TemplateFilter) -> list[Hit]:
        """Find the ``limit`` templates nearest to ``vector`` (float32 [dimension]) of those that fit, nearest first.

        A filter that few fit is the engine's to apply. One that many fit is applied to what is nearest of all, and is
        the engine's only if too few are left.
        """
        limit = min(limit, len(self.rows))
        if limit < 1:
            return []
        if where == EVERYTHING:
            return self._query(vector, limit)
        condition, fits = condition_of(where), sieve_of(where)
        fitting = self.engine.count(CountRequest(exact=False, filter=condition))
        if _BROAD * fitting > len(self.rows):
            fetched = min(max(_FETCHED, _SPARE * limit * len(self.rows) // fitting), len(self.rows))
            if fetched <= _MOST_FETCHED:
                hits = self._query(vector, fetched, fits)
                if len(hits) >= limit or fetched == len(self.rows):
                    return hits[:limit]
        return self._query(vector, limit, condition=condition)

    def nearest_people(self, vector: Any, people: int, where: TemplateFilter) -> list[Hit]:
        """Find the identities that have the nearest templates that fit, and return all that fit of theirs."""
        limit = max(_FETCHED, _MORE * people)
        while True:
            hits = self.nearest(vector, limit, where)
            names = list(dict.fromkeys(name for _, name, _ in hits))
            if len(hits) < limit:
                chosen = frozenset(names[:people])
                return [hit for hit in hits if hit[1] in chosen]
            if len(names) >= people:
                theirs = tuple(names[:people])
                everything = sum(self.rows.catalogue.count(name) for name in theirs)
                condition = condition_of(TemplateFilter(identity_ids=theirs))
                return self._query(vector, everything, sieve_of(where), condition)
            limit *= _MORE

    def embeddings(self, point_ids: list[UUID]) -> dict[UUID, Embedding]:
        """Fetch the vectors of those of these points that exist, 10 µs each."""
        records = self.engine.retrieve(point_ids, False, True)
        pack = Struct(f"{self.dimension}f").pack  # twice as fast as numpy is with a list
        return {record.id: np.frombuffer(pack(*record.vector), np.float32) for record in records}

    def _query(
        self, vector: Any, limit: int, fits: Callable[[Row], bool] | None = None, condition: Any = None
    ) -> list[Hit]:
        query = QueryRequest(
            query=Query.Nearest(vector),
            limit=limit,
            filter=condition,
            with_payload=False,
            params=SearchParams(exact=True),
        )
        found = [(point.id, self.rows[point.id], point.score) for point in self.engine.query(query)]
        return [(key, row.identity_id, score) for key, row, score in found if fits is None or fits(row)]
