"""The port on a Qdrant server or cluster.

A gallery is the collection ``gallery_<id>``, with its record as the collection's metadata; a template is a
point whose id is the template's. Writes wait until the server has them on disk; searches are exact.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

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
    checked_gallery_id,
)
from gallery.errors import GalleryNotFound, StoreUnavailable
from gallery.ports import TemplateStore
from gallery.qdrant_store.census import Census
from gallery.qdrant_store.conditions import IDENTITY, INDICES, condition_of, expired_by, of_identity
from gallery.qdrant_store.points import embedding_of_record, neighbour_of_point, points_of, template_of_record
from gallery.qdrant_store.ranking import Ranking
from gallery.qdrant_store.translation import is_transient, translated
from gallery.records import changed_gallery, checked_embedding, gallery_of_record, info_of, record_of_gallery

T = TypeVar("T")

_PREFIX = "gallery_"
_OLDEST = (1, 16)  # the first with metadata of collections
_ALL = 1_000_000_000
_PAGE = 1000
_LAST_ID = UUID(int=(1 << 128) - 1)
_CACHE_SECONDS = 1.0
_RECONNECT = {"grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 1000}
"""gRPC's own backoff grows to two minutes: too long to notice that a server is back."""


class QdrantStore(TemplateStore):
    """Templates on the server at ``url`` (its REST URL); calls go to ``grpc_port`` of the same host.

    No call takes longer than ``timeout`` seconds; those that may be repeated are tried three times while the
    server is unavailable. Galleries' records are remembered for a second. A store belongs to one event loop.
    """

    def __init__(self, url: str, api_key: str | None = None, *, grpc_port: int = 6334, timeout: int = 10) -> None:
        self._url = url
        with translated():
            self._client = AsyncQdrantClient(
                url=url,
                api_key=api_key,
                grpc_port=grpc_port,
                prefer_grpc=True,
                timeout=timeout,
                grpc_options=dict(_RECONNECT),
                check_compatibility=False,  # `check` does it, and says so by an error instead of a warning
            )
        self._remembered: dict[str, tuple[float, Gallery]] = {}
        self._censuses: dict[str, Census] = {}
        self._updating = asyncio.Lock()
        self._ranking = Ranking(self.nearest, self._embeddings)

    async def create_gallery(self, gallery: Gallery) -> None:
        """Create; raises GalleryAlreadyExists. Not repeated: the second try would find the first's collection."""
        collection = _PREFIX + checked_gallery_id(gallery.gallery_id)
        with translated(gallery.gallery_id):
            await self._client.create_collection(
                collection,
                vectors_config=models.VectorParams(size=gallery.dimension, distance=models.Distance.COSINE),
                metadata=record_of_gallery(gallery),
            )
        await self._index(gallery.gallery_id)

    async def get_gallery(self, gallery_id: str) -> Gallery:
        """Get; raises StoreCorrupt for a collection of another origin."""
        fetched, gallery = self._remembered.get(gallery_id, (0.0, None))
        if gallery is not None and time.monotonic() - fetched < _CACHE_SECONDS:
            return gallery
        self._remembered.pop(gallery_id, None)
        now = time.monotonic()
        info = await self._try(gallery_id, lambda: self._client.get_collection(_PREFIX + gallery_id))
        gallery = gallery_of_record(info.config.metadata, f"the metadata of the collection {_PREFIX}{gallery_id}")
        if not INDICES.keys() <= info.payload_schema.keys():  # its creator did not live to do it
            await self._index(gallery_id)
        self._remembered[gallery_id] = (now, gallery)
        return gallery

    async def update_gallery(self, gallery: Gallery, *, replacing: Gallery) -> None:
        """Write the record; raises GalleryChanged if it is no longer ``replacing``.

        Qdrant cannot compare and write in one step, so this reads, compares, writes and reads again. Of changes
        made through one store exactly one succeeds. Of changes that two stores make within the few milliseconds
        of these calls the last one stays; the other is told GalleryChanged too, unless it has read its own record
        back before the last one was written. No record is ever a mixture of two.
        """
        gallery_id = gallery.gallery_id
        async with self._updating:
            if await self._fresh(gallery_id) != replacing:
                raise changed_gallery(gallery_id)
            record = record_of_gallery(gallery)
            await self._try(gallery_id, lambda: self._client.update_collection(_PREFIX + gallery_id, metadata=record))
            if await self._fresh(gallery_id) != gallery:
                raise changed_gallery(gallery_id)

    async def list_galleries(self, *, after: str, limit: int) -> list[Gallery]:
        """List by id; one that is deleted meanwhile is left out."""
        answer = await self._try("", self._client.get_collections)
        names = [each.name.removeprefix(_PREFIX) for each in answer.collections if each.name.startswith(_PREFIX)]
        galleries: list[Gallery] = []
        for gallery_id in sorted(name for name in names if name > after):
            if len(galleries) == limit:
                break
            try:
                galleries.append(await self.get_gallery(gallery_id))
            except GalleryNotFound:
                continue
        return galleries

    async def delete_gallery(self, gallery_id: str) -> int:
        """Delete with all templates; returns how many there were."""
        await self.get_gallery(gallery_id)
        count = await self._count(gallery_id, None)
        self._remembered.pop(gallery_id, None)
        self._censuses.pop(gallery_id, None)
        await self._try(gallery_id, lambda: self._client.delete_collection(_PREFIX + gallery_id))
        return count

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None:
        """Write all or none; raises ModelMismatch and InvalidModel for embeddings that cannot be kept."""
        points = points_of(await self.get_gallery(gallery_id), templates)
        if points:
            await self._try(gallery_id, lambda: self._client.upsert(_PREFIX + gallery_id, points, wait=True))
        if (census := self._censuses.get(gallery_id)) is not None:
            census.add(template.info.identity_id for template in templates)

    async def move(self, gallery_id: str, templates: Sequence[Template], remove: Sequence[UUID]) -> None:
        """Write, then remove, in one request; an id in both is written. Raises as `put`.

        The server carries the request out in this order, but not as one: after a crash of the server in between,
        templates may be there under both identities and none is lost. Doing the same again completes it.
        """
        points = points_of(await self.get_gallery(gallery_id), templates)
        leaving = {str(template_id) for template_id in remove} - {str(point.id) for point in points}
        steps: list[models.UpdateOperation] = []
        if points:
            steps.append(models.UpsertOperation(upsert=models.PointsList(points=points)))
        if leaving:
            steps.append(models.DeleteOperation(delete=models.PointIdsList(points=sorted(leaving))))
        if steps:
            self._censuses.pop(gallery_id, None)
            await self._try(
                gallery_id, lambda: self._client.batch_update_points(_PREFIX + gallery_id, steps, wait=True)
            )
            self._censuses.pop(gallery_id, None)

    async def find(self, gallery_id: str, template_ids: Sequence[UUID]) -> list[TemplateInfo]:
        """Fetch those that exist, in the order asked."""
        gallery = await self.get_gallery(gallery_id)
        ids = [str(template_id) for template_id in dict.fromkeys(template_ids)]
        if not ids:
            return []
        records = await self._try(gallery_id, lambda: self._client.retrieve(_PREFIX + gallery_id, ids))
        found = {str(record.id): record.payload for record in records}
        return [info_of(point_id, found[point_id], gallery) for point_id in ids if point_id in found]

    async def nearest(
        self, gallery_id: str, embedding: Embedding, *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Neighbour]:
        """Search exactly; raises ModelMismatch and InvalidModel for an embedding that does not fit."""
        gallery = await self.get_gallery(gallery_id)
        probe = checked_embedding(gallery, embedding).tolist()
        if limit < 1:
            return []
        answer = await self._try(
            gallery_id,
            lambda: self._client.query_points(
                _PREFIX + gallery_id,
                query=probe,
                query_filter=condition_of(where),
                limit=min(limit, _ALL),
                with_payload=[IDENTITY, "model_digest"],
                search_params=models.SearchParams(exact=True),
            ),
        )
        return [neighbour_of_point(point, gallery) for point in answer.points]

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
        scroll = partial(self._client.scroll, _PREFIX + gallery_id, condition_of(where), with_vectors=True)
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
        only = models.Filter(must=[models.HasIdCondition(has_id=[str(template_id)])])
        count = await self._delete_all(gallery_id, only)
        self._censuses.pop(gallery_id, None)
        return count > 0

    async def delete_expired(self, gallery_id: str, now: datetime) -> int:
        """Erase what has expired; returns how many templates went."""
        await self.get_gallery(gallery_id)
        count = await self._delete_all(gallery_id, expired_by(now))
        if count:
            self._censuses.pop(gallery_id, None)
        return count

    async def check(self) -> None:
        """Reach the server and see that it is new enough."""
        version = (await self._try("", self._client.info)).version
        if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) < _OLDEST:
            raise StoreUnavailable(
                f"the Qdrant server at {self._url} is version {version}",
                expected=f"{'.'.join(map(str, _OLDEST))} or newer",
                remedy="upgrade the server",
            )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _try(self, gallery_id: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that may be repeated: a read, or a write that leaves the same when done twice."""
        attempts = AsyncRetrying(
            retry=retry_if_exception(is_transient),
            stop=stop_after_attempt(3),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            reraise=True,
        )

        async def attempt() -> T:
            return await call()

        try:
            with translated(gallery_id):
                return await attempts(attempt)
        except GalleryNotFound:
            self._remembered.pop(gallery_id, None)
            raise

    async def _embeddings(self, gallery: Gallery, template_ids: Sequence[UUID]) -> dict[UUID, Embedding]:
        retrieve = partial(self._client.retrieve, with_payload=False, with_vectors=True)
        ids = [str(template_id) for template_id in template_ids]
        records = await self._try(gallery.gallery_id, lambda: retrieve(_PREFIX + gallery.gallery_id, ids))
        return {UUID(str(record.id)): embedding_of_record(record, gallery) for record in records}

    async def _fresh(self, gallery_id: str) -> Gallery:
        self._remembered.pop(gallery_id, None)
        return await self.get_gallery(gallery_id)

    async def _index(self, gallery_id: str) -> None:
        index = partial(self._client.create_payload_index, _PREFIX + gallery_id, wait=True)
        for field, schema in INDICES.items():
            await self._try(gallery_id, partial(index, field_name=field, field_schema=schema))

    async def _names(self, gallery_id: str, where: TemplateFilter) -> list[str]:
        facet = partial(self._client.facet, _PREFIX + gallery_id, IDENTITY, limit=_ALL, exact=False)
        answer = await self._try(gallery_id, partial(facet, facet_filter=condition_of(where)))
        return [str(hit.value) for hit in answer.hits if hit.count]

    async def _count(self, gallery_id: str, only: models.Filter | None) -> int:
        answer = await self._try(gallery_id, lambda: self._client.count(_PREFIX + gallery_id, only, exact=True))
        return answer.count

    async def _delete_all(self, gallery_id: str, only: models.Filter) -> int:
        if count := await self._count(gallery_id, only):
            selector = models.FilterSelector(filter=only)
            await self._try(gallery_id, lambda: self._client.delete(_PREFIX + gallery_id, selector, wait=True))
        return count

    async def _infos(
        self, gallery: Gallery, where: TemplateFilter, identity_ids: list[str] | None = None
    ) -> AsyncIterator[TemplateInfo]:
        only = condition_of(where, identity_ids)
        scroll = partial(self._client.scroll, _PREFIX + gallery.gallery_id, only, limit=_PAGE)
        offset = None
        while True:
            records, offset = await self._try(gallery.gallery_id, partial(scroll, offset=offset))
            for record in records:
                yield info_of(record.id, record.payload, gallery)
            if offset is None:
                return
