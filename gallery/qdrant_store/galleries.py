"""The galleries of a Qdrant server: made, described, replaced and deleted; the ledger; the server itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar, cast

from qdrant_client import AsyncQdrantClient, models

from gallery.domain import Gallery, LedgerEntry, draft_of
from gallery.errors import GalleryNotFound
from gallery.ports import TemplateStore
from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.census import Census
from gallery.qdrant_store.collections import PREFIX, Collections
from gallery.qdrant_store.comparison import Comparison
from gallery.qdrant_store.conditions import INDICES
from gallery.qdrant_store.health import check_readiness, check_version, replica_states, see_ready_again
from gallery.qdrant_store.ledger import COLLECTION as LEDGER
from gallery.qdrant_store.ledger import Ledger
from gallery.qdrant_store.nodes import Nodes
from gallery.qdrant_store.options import QdrantOptions, search_params_of
from gallery.qdrant_store.replicas import Replicas, Replication, Write
from gallery.records import changed_gallery, gallery_of_record, record_of_gallery

T = TypeVar("T")

_CACHE_SECONDS = 1.0


class QdrantGalleries(TemplateStore):
    """Galleries on the server at ``url`` (its REST URL); calls go to ``grpc_port`` of the same host.

    Several URLs, with commas between them, are nodes of one cluster, which are called in turns while they are well
    (`Nodes`).

    No call takes longer than ``timeout`` seconds; those that may be repeated are tried three times while the
    server is unavailable. Galleries' records are remembered for a second. A store belongs to one event loop.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        grpc_port: int = 6334,
        timeout: int = 10,
        options: QdrantOptions | None = None,
    ) -> None:
        options = options or QdrantOptions()
        self._url = url
        urls = [each.strip() for each in url.split(",") if each.strip()] or [url]
        clients = {each: options.connected(each, api_key, grpc_port, timeout) for each in urls}
        self._nodes = Nodes(clients) if len(clients) > 1 else None
        self._client = clients[urls[0]] if self._nodes is None else cast(AsyncQdrantClient, self._nodes)
        self._attempts = Attempts(self._see_ready)
        self._collections = Collections(self._client, options, self._attempts)
        self._replicas = Replicas(self._client, self._attempts)
        self._ledger = Ledger(self._client, options, self._attempts, self._replicas)
        self._remembered: dict[str, tuple[float, Gallery]] = {}
        self._search_params: dict[str, models.SearchParams] = {}
        self._replications: dict[str, Replication] = {}
        self._censuses: dict[str, Census] = {}
        self._updating = asyncio.Lock()
        self._is_ready = False

    async def create_gallery(self, gallery: Gallery) -> None:
        """Create; raises GalleryAlreadyExists."""
        await self._collections.create(gallery)

    async def create_draft(self, gallery: Gallery) -> None:
        """Create a draft, empty; one that is there already goes."""
        self._forget(draft_of(gallery.gallery_id))
        await self._collections.create_draft(gallery)

    async def publish_draft(self, gallery_id: str) -> None:
        """Have the draft's collection take the gallery's place in one step; raises GalleryNotFound without one."""
        self._forget(gallery_id)
        self._forget(draft_of(gallery_id))
        await self._collections.publish(gallery_id)
        self._forget(gallery_id)

    async def get_gallery(self, gallery_id: str) -> Gallery:
        """Get; raises StoreCorrupt for a collection of another origin."""
        fetched, gallery = self._remembered.get(gallery_id, (0.0, None))
        if gallery is not None and time.monotonic() - fetched < _CACHE_SECONDS:
            return gallery
        self._remembered.pop(gallery_id, None)
        now = time.monotonic()
        info = await self._try(gallery_id, lambda: self._client.get_collection(PREFIX + gallery_id))
        gallery = gallery_of_record(info.config.metadata, f"the metadata of the collection {PREFIX}{gallery_id}")
        if not INDICES.keys() <= info.payload_schema.keys():  # its creator did not live to do it
            await self._collections.index(gallery_id)
        self._search_params[gallery_id] = search_params_of(info.config)
        self._replications[gallery_id] = Replication.of(info.config)
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
            await self._try(gallery_id, lambda: self._client.update_collection(PREFIX + gallery_id, metadata=record))
            if await self._fresh(gallery_id) != gallery:
                raise changed_gallery(gallery_id)

    async def list_galleries(self, *, after: str, limit: int) -> list[Gallery]:
        """List by id; one that is deleted meanwhile is left out."""
        galleries: list[Gallery] = []
        for gallery_id in (each for each in await self._collections.ids() if each > after):
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
        answer = await self._try(gallery_id, lambda: self._client.count(PREFIX + gallery_id, exact=True))
        self._forget(gallery_id)
        await self._collections.delete(gallery_id)
        return answer.count

    async def record_erasures(self, entries: Sequence[LedgerEntry]) -> None:
        """Add to the ledger, durably."""
        await self._ledger.append(entries)

    async def list_erasures(self, gallery_id: str) -> list[LedgerEntry]:
        """Read a gallery's part of the ledger, oldest first; empty where there is none."""
        return await self._ledger.read(gallery_id)

    async def compact(self, gallery_id: str) -> None:
        """Delete collections that a crash left over; the points deleted from one are the server's to clear away.

        It rewrites a segment without them once they are 2% of it and 100; `QdrantOptions.collection` asks for that.
        """
        await self.get_gallery(gallery_id)
        await self._collections.sweep(gallery_id)

    async def check(self) -> None:
        """Reach the server, see that it is new enough and, once, that it and its cluster are ready."""
        await check_version(self._client, self._attempts, self._url)
        if self._nodes is not None:
            await self._nodes.check()
        elif not self._is_ready:
            await check_readiness(self._client, self._url)
            self._is_ready = True

    async def replica_states(self) -> dict[str, str]:
        """Tell the state of every replica of the ledger and of every gallery in use: ``Active`` where it is well.

        While one is not, the loss of another node can leave fewer than a write, or a recovery, needs.
        """
        states: dict[str, str] = {}
        for collection in [LEDGER, *(PREFIX + gallery_id for gallery_id in await self._collections.ids())]:
            with suppress(GalleryNotFound):
                states |= await replica_states(self._client, self._attempts, collection)
        return states

    async def uneven(self, gallery_id: str) -> dict[str, str]:
        """Find templates that some replica lacks, by id, with their identities; reads all, as `Comparison`."""
        await self.get_gallery(gallery_id)
        replicas = self._replications[gallery_id].replicas
        if replicas == 1:
            return {}
        return await self._seen(gallery_id, Comparison(self._client, self._attempts, gallery_id, replicas).uneven())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _see_ready(self) -> None:
        if self._nodes is None:
            await see_ready_again(self._client, self._url)

    async def _write(
        self,
        gallery_id: str,
        call: Callable[[], Awaitable[object]],
        *,
        written: Sequence[str] = (),
        deleted: models.Filter | None = None,
    ) -> None:
        """Write as `Replicas.write`; raises StoreUnavailable."""
        write = Write(PREFIX + gallery_id, call, written, deleted)
        await self._seen(gallery_id, self._replicas.write(gallery_id, write, self._replications[gallery_id]))

    async def _find(self, gallery_id: str, ids: Sequence[str]) -> list[models.Record]:
        """Fetch points as `Replicas.find`; raises StoreUnavailable."""
        found = self._replicas.find(gallery_id, PREFIX + gallery_id, ids, self._replications[gallery_id])
        return await self._seen(gallery_id, found)

    async def _try(self, gallery_id: str, call: Callable[[], Awaitable[T]]) -> T:
        return await self._seen(gallery_id, self._attempts.call(gallery_id, call))

    async def _seen(self, gallery_id: str, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except GalleryNotFound:
            self._remembered.pop(gallery_id, None)
            raise

    def _forget(self, gallery_id: str) -> None:
        self._remembered.pop(gallery_id, None)
        self._censuses.pop(gallery_id, None)

    async def _fresh(self, gallery_id: str) -> Gallery:
        self._remembered.pop(gallery_id, None)
        return await self.get_gallery(gallery_id)
