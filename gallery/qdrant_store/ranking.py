"""Ranking identities on a Qdrant server: which searches it takes, and when embeddings are fetched."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from gallery.domain import Candidate, Embedding, Fusion, Gallery, Neighbour, TemplateFilter
from gallery.matching import considered, rank
from gallery.matching.mean_lengths import MeanLengths

_AT_FIRST = 64  # templates, among which the nearest people are looked for
_ALL = 1_000_000_000


class Nearest(Protocol):
    """`TemplateStore.nearest`."""

    def __call__(
        self, gallery_id: str, embedding: Embedding, *, limit: int, where: TemplateFilter
    ) -> Awaitable[list[Neighbour]]:
        """Find the nearest templates that fit, nearest first."""


class Ranking:
    """Ranks what ``nearest`` finds; ``fetch`` gives the embeddings of those of some templates that exist."""

    def __init__(
        self, nearest: Nearest, fetch: Callable[[Gallery, Sequence[UUID]], Awaitable[dict[UUID, Embedding]]]
    ) -> None:
        self._nearest = nearest
        self._fetch = fetch
        self._mean_lengths = MeanLengths()

    async def rank(
        self, gallery: Gallery, embedding: Embedding, limit: int, fusion: Fusion, where: TemplateFilter
    ) -> tuple[Candidate, ...]:
        """Rank as `TemplateStore.nearest_identities`; embeddings are fetched of whom was not ranked before."""
        near = await self._nearest_people(gallery, embedding, considered(limit, fusion), where)
        lengths: dict[str, float] = {}
        if fusion is Fusion.MEAN:
            lengths, others = self._mean_lengths.known(gallery.model_digest, near)
            if others:
                unknown = [neighbour for neighbour in near if neighbour.identity_id not in lengths]
                fetched = await self._fetch(gallery, others)
                lengths |= self._mean_lengths.learnt(gallery.model_digest, unknown, fetched)
        return rank(near, limit, fusion, lengths)

    async def _nearest_people(
        self, gallery: Gallery, embedding: Embedding, people: int, where: TemplateFilter
    ) -> list[Neighbour]:
        """Find all templates that fit of those who have the nearest, in two searches if the first finds enough people.

        The server's own grouping may cost ten searches, and gives so many templates of each group and no more.
        """
        limit = max(_AT_FIRST, 4 * people)
        while True:
            near = await self._nearest(gallery.gallery_id, embedding, limit=limit, where=where)
            names = tuple(dict.fromkeys(neighbour.identity_id for neighbour in near))[:people]
            if len(near) < limit:
                return [neighbour for neighbour in near if neighbour.identity_id in names]
            if len(names) == people:
                theirs = replace(where, identity_ids=names)
                return await self._nearest(gallery.gallery_id, embedding, limit=_ALL, where=theirs)
            limit *= 4
