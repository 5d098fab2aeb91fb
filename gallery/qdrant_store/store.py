"""The port on a Qdrant server or cluster.

A gallery is what the name ``gallery_<id>`` stands for (`collections`), with its record as the collection's metadata;
a template is a point whose id is the template's. Writes wait until the server has them on disk, on every replica that
takes part (`replicas`), and go through one replica in order, so that none has an erasure before what it erases.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from qdrant_client import models

from gallery.domain import (
    EVERYTHING,
    Candidate,
    Embedding,
    Fusion,
    Gallery,
    IdentitySummary,
    Neighbour,
    Template,
    TemplateFilter,
    TemplateInfo,
)
from gallery.qdrant_store.census import Census
from gallery.qdrant_store.collections import PREFIX
from gallery.qdrant_store.conditions import IDENTITY, condition_of, expired_by, of_identity
from gallery.qdrant_store.galleries import QdrantGalleries
from gallery.qdrant_store.mending import Hands, Mended, Mending
from gallery.qdrant_store.options import EXACTLY
from gallery.qdrant_store.points import embedding_of_record, neighbour_of_point, points_of, template_of_record
from gallery.qdrant_store.ranking import Ranking
from gallery.records import checked_embedding, checked_embeddings, info_of

T = TypeVar("T")

_ALL = 1_000_000_000
_PAGE = 1000
_LAST_ID = UUID(int=(1 << 128) - 1)
_CACHE_SECONDS = 1.0
_ACKNOWLEDGED: dict[str, Any] = {"wait": True, "ordering": models.WriteOrdering.MEDIUM}


class QdrantStore(QdrantGalleries):
    """Templates on a Qdrant server, made as `QdrantGalleries`."""

    def __init__(self, url: str, api_key: str | None = None, **options: Any) -> None:
        super().__init__(url, api_key, **options)
        self._ranking = Ranking(self.nearest, self._embeddings)

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None:
        """Write all or none; raises ModelMismatch and InvalidModel for embeddings that cannot be kept."""
        points = points_of(await self.get_gallery(gallery_id), templates)
        if points:
            upsert = partial(self._client.upsert, PREFIX + gallery_id, points, **_ACKNOWLEDGED)
            await self._write(gallery_id, upsert, written=[str(point.id) for point in points])
        if (census := self._censuses.get(gallery_id)) is not None:
            census.add(template.info.identity_id for template in templates)

    async def move(self, gallery_id: str, templates: Sequence[Template], remove: Sequence[UUID]) -> None:
        """Write, then remove, in one request; an id in both is written. Raises as `put`.

        The server carries the request out in this order, but not as one: after a crash of the server in between,
        templates may be there under both identities and none is lost. Doing the same again completes it.
        """
        points = points_of(await self.get_gallery(gallery_id), templates)
        staying = [str(point.id) for point in points]
        leaving = sorted({str(template_id) for template_id in remove} - set(staying))
        steps: list[models.UpdateOperation] = []
        if points:
            steps.append(models.UpsertOperation(upsert=models.PointsList(points=points)))
        if leaving:
            steps.append(models.DeleteOperation(delete=models.PointIdsList(points=[*leaving])))
        if steps:
            self._censuses.pop(gallery_id, None)
            update = partial(self._client.batch_update_points, PREFIX + gallery_id, steps, **_ACKNOWLEDGED)
            await self._write(gallery_id, update, written=staying, deleted=_of_ids(leaving) if leaving else None)
            self._censuses.pop(gallery_id, None)

    async def find(self, gallery_id: str, template_ids: Sequence[UUID]) -> list[TemplateInfo]:
        """Fetch those that exist on every replica that takes part, in the order asked."""
        gallery = await self.get_gallery(gallery_id)
        ids = [str(template_id) for template_id in dict.fromkeys(template_ids)]
        if not ids:
            return []
        records = await self._find(gallery_id, ids)
        found = {str(record.id): record.payload for record in records}
        return [info_of(point_id, found[point_id], gallery) for point_id in ids if point_id in found]

    async def nearest(
        self, gallery_id: str, embedding: Embedding, *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Neighbour]:
        """Search as `search_params_of` says; raises ModelMismatch, InvalidModel for an embedding that does not fit."""
        gallery = await self.get_gallery(gallery_id)
        probe = checked_embedding(gallery, embedding)
        if limit < 1:
            return []
        (found,) = await self._searched(gallery_id, gallery, [self._query(gallery_id, probe, limit, where)])
        return found

    async def nearest_to_each(
        self, gallery_id: str, templates: Sequence[Template], *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[list[Neighbour]]:
        """Search for all of them in one call; raises as `put`."""
        gallery = await self.get_gallery(gallery_id)
        vectors = checked_embeddings(gallery, templates)
        queries = []
        for template, vector in zip(templates, vectors, strict=True):
            mine = replace(where, identity_ids=(template.info.identity_id,))
            queries += [self._query(gallery_id, vector, limit, where), self._query(gallery_id, vector, 1, mine)]
        found = await self._searched(gallery_id, gallery, queries)
        return [
            near + [each for each in own if each.identity_id not in {other.identity_id for other in near}]
            for near, own in zip(found[::2], found[1::2], strict=True)
        ]

    async def nearest_identities(
        self, gallery_id: str, embedding: Embedding, *, limit: int, fusion: Fusion, where: TemplateFilter = EVERYTHING
    ) -> tuple[Candidate, ...]:
        """Search exactly and rank; raises as `nearest`."""
        return await self._ranking.rank(await self.get_gallery(gallery_id), embedding, limit, fusion, where)

    async def scan(
        self, gallery_id: str, *, after: UUID | None, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Template]:
        """Fetch whole templates by id, a thousand a call."""
        gallery = await self.get_gallery(gallery_id)
        scroll = partial(self._client.scroll, PREFIX + gallery_id, condition_of(where), with_vectors=True)
        templates: list[Template] = []
        while len(templates) < limit and after != _LAST_ID:
            offset = None if after is None else str(UUID(int=after.int + 1))
            step = min(limit - len(templates), _PAGE)
            records, _ = await self._try(gallery_id, partial(scroll, offset=offset, limit=step))
            templates += [template_of_record(record, gallery) for record in records]
            if len(records) < step:
                break
            after = templates[-1].info.template_id
        return templates

    async def count_identities(self, gallery_id: str) -> int:
        """Count them, with this store's own writes; those of others are counted after a second.

        Naming 100,000 identities takes the server 0.8 s: such a gallery is counted every 16 s.
        """
        await self.get_gallery(gallery_id)
        census = self._censuses.get(gallery_id)
        if census is None or not census.good:
            begun = time.monotonic()
            census = Census(await self._names(gallery_id, EVERYTHING), begun)
            self._censuses[gallery_id] = census
        return len(census)

    async def list_identities(
        self, gallery_id: str, *, after: str, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[IdentitySummary]:
        """Page by identity id, with exact counts.

        Names come from the index (0.8 s for 100,000, filtered or not; it may still name the deleted), counts from
        the page's points.
        """
        gallery = await self.get_gallery(gallery_id)
        names = sorted(name for name in await self._names(gallery_id, where) if name > after)
        summaries: list[IdentitySummary] = []
        while names and len(summaries) < limit:
            step = min(limit - len(summaries), _PAGE)
            page, names = names[:step], names[step:]
            counts = Counter([info.identity_id async for info in self._infos(gallery, where, page)])
            summaries += [IdentitySummary(name, counts[name]) for name in page if name in counts]
        return summaries

    async def list_templates(self, gallery_id: str, identity_id: str) -> list[TemplateInfo]:
        """List an identity's templates, oldest first."""
        gallery = await self.get_gallery(gallery_id)
        infos = [info async for info in self._infos(gallery, TemplateFilter(identity_ids=(identity_id,)))]
        return sorted(infos, key=lambda info: (info.enrolled_at, info.template_id))

    async def delete_identity(self, gallery_id: str, identity_id: str) -> int:
        """Erase an identity; returns how many templates went."""
        await self.get_gallery(gallery_id)
        count = await self._delete_all(gallery_id, of_identity(identity_id))
        if (census := self._censuses.get(gallery_id)) is not None:
            census.discard(identity_id)
        return count

    async def delete_template(self, gallery_id: str, template_id: UUID) -> bool:
        """Erase one template; returns whether there was one."""
        await self.get_gallery(gallery_id)
        count = await self._delete_all(gallery_id, _of_ids([str(template_id)]))
        self._censuses.pop(gallery_id, None)
        return count > 0

    async def delete_expired(self, gallery_id: str, now: datetime) -> int:
        """Erase what has expired; returns how many templates went."""
        await self.get_gallery(gallery_id)
        count = await self._delete_all(gallery_id, expired_by(now))
        if count:
            self._censuses.pop(gallery_id, None)
        return count

    async def mend(self, gallery_id: str, now: datetime) -> Mended:
        """Have every replica hold the same templates, as far as the ledger of erasures tells which; reads all.

        The ledger is made even first. What is enrolled and erased meanwhile goes its own way.
        """
        gallery = await self.get_gallery(gallery_id)
        await self._ledger.append(await self._ledger.read(gallery_id))
        uneven = list(await self.uneven(gallery_id))
        hands = Hands(self.put, self._erase)
        replicas = self._replications[gallery_id].replicas
        return await Mending(self._client, self._attempts, self._ledger, hands, replicas).mend(gallery, uneven, now)

    async def _erase(self, gallery_id: str, template_ids: Sequence[UUID]) -> None:
        if template_ids:
            await self._delete_all(gallery_id, _of_ids([str(template_id) for template_id in template_ids]))
            self._censuses.pop(gallery_id, None)

    def _query(self, gallery_id: str, probe: Embedding, limit: int, where: TemplateFilter) -> models.QueryRequest:
        return models.QueryRequest(
            query=probe.tolist(),
            filter=condition_of(where),
            limit=min(limit, _ALL),
            with_payload=[IDENTITY, "model_digest"],
            params=EXACTLY if limit >= _ALL else self._search_params[gallery_id],
        )

    async def _searched(
        self, gallery_id: str, gallery: Gallery, queries: list[models.QueryRequest]
    ) -> list[list[Neighbour]]:
        search = partial(self._client.query_batch_points, PREFIX + gallery_id, queries)
        answers = await self._try(gallery_id, search)
        return [[neighbour_of_point(point, gallery) for point in answer.points] for answer in answers]

    async def _embeddings(self, gallery: Gallery, template_ids: Sequence[UUID]) -> dict[UUID, Embedding]:
        retrieve = partial(self._client.retrieve, with_payload=False, with_vectors=True)
        ids = [str(template_id) for template_id in template_ids]
        records = await self._try(gallery.gallery_id, lambda: retrieve(PREFIX + gallery.gallery_id, ids))
        return {UUID(str(record.id)): embedding_of_record(record, gallery) for record in records}

    async def _names(self, gallery_id: str, where: TemplateFilter) -> list[str]:
        facet = partial(self._client.facet, PREFIX + gallery_id, IDENTITY, limit=_ALL, exact=False)
        answer = await self._try(gallery_id, partial(facet, facet_filter=condition_of(where)))
        return [str(hit.value) for hit in answer.hits if hit.count]

    async def _delete_all(self, gallery_id: str, only: models.Filter) -> int:
        counting = self._replicas.count(gallery_id, PREFIX + gallery_id, only, self._replications[gallery_id])
        if count := await self._seen(gallery_id, counting):
            selector = models.FilterSelector(filter=only)
            delete = partial(self._client.delete, PREFIX + gallery_id, selector, **_ACKNOWLEDGED)
            await self._write(gallery_id, delete, deleted=only)
        return count

    async def _infos(
        self, gallery: Gallery, where: TemplateFilter, identity_ids: list[str] | None = None
    ) -> AsyncIterator[TemplateInfo]:
        only = condition_of(where, identity_ids)
        scroll = partial(self._client.scroll, PREFIX + gallery.gallery_id, only, limit=_PAGE)
        offset = None
        while True:
            records, offset = await self._try(gallery.gallery_id, partial(scroll, offset=offset))
            for record in records:
                yield info_of(record.id, record.payload, gallery)
            if offset is None:
                return


def _of_ids(template_ids: Sequence[str]) -> models.Filter:
    return models.Filter(must=[models.HasIdCondition(has_id=list(template_ids))])
