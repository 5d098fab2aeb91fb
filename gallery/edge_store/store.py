"""The port on the embedded engine."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import numpy as np

from gallery.domain import (
    DRAFT,
    EVERYTHING,
    Candidate,
    Embedding,
    Fusion,
    Gallery,
    IdentitySummary,
    LedgerEntry,
    Neighbour,
    Template,
    TemplateFilter,
    TemplateInfo,
    checked_gallery_id,
    draft_of,
)
from gallery.edge_store.link import Link
from gallery.edge_store.messages import (
    Compact,
    CountIdentities,
    CreateDraft,
    CreateGallery,
    DeleteExpired,
    DeleteGallery,
    DeleteIdentity,
    DeleteTemplate,
    Find,
    ListErasures,
    ListIdentities,
    ListTemplates,
    MoveTemplates,
    Nearest,
    NearestIdentities,
    NearestToEach,
    Ping,
    PublishDraft,
    Put,
    RecordErasures,
    Scan,
    UpdateGallery,
)
from gallery.errors import GalleryError, StoreCorrupt, StoreUnavailable
from gallery.ports import TemplateStore
from gallery.records import (
    checked_embedding,
    checked_embeddings,
    info_of,
    neighbour_of,
    payload_of,
    template_of,
    unknown_gallery,
)

T = TypeVar("T")

_SEARCHED_AT_ONCE = 8  # with more, a probe that comes in between would wait
_LAST_ID = UUID(int=(1 << 128) - 1)


class EdgeStore(TemplateStore):
    """Templates in a folder of this machine; no other process can use the folder at the same time.

    The engine's process starts with the first call (or `check`), is started again after it was lost, and ends
    with `close`. A store belongs to one event loop.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening: asyncio.Task[Link] | None = None
        self._closed = False

    async def create_gallery(self, gallery: Gallery) -> None:
        """Create; raises GalleryAlreadyExists."""
        checked_gallery_id(gallery.gallery_id)  # it becomes a folder's name
        await _to_its_end(self._create(gallery))

    async def get_gallery(self, gallery_id: str) -> Gallery:
        """Get from memory: nobody else writes here."""
        return _known(await self._link(), gallery_id)

    async def update_gallery(self, gallery: Gallery, *, replacing: Gallery) -> None:
        """Write the record on disk in one step; raises GalleryChanged if it is no longer ``replacing``."""
        await _to_its_end(self._update(gallery, replacing))

    async def list_galleries(self, *, after: str, limit: int) -> list[Gallery]:
        """List by id; raises StoreCorrupt when a gallery of the page cannot be read."""
        link = await self._link()
        ids = sorted(
            gallery_id
            for gallery_id in (*link.galleries, *link.broken)
            if gallery_id > after and DRAFT not in gallery_id
        )
        return [_known(link, gallery_id) for gallery_id in ids[:limit]]

    async def delete_gallery(self, gallery_id: str) -> int:
        """Delete with all templates; returns how many there were."""
        return await _to_its_end(self._delete(gallery_id))

    async def create_draft(self, gallery: Gallery) -> None:
        """Create a draft, empty; one that is there already goes."""
        checked_gallery_id(gallery.gallery_id)
        await _to_its_end(self._create_draft(gallery))

    async def publish_draft(self, gallery_id: str) -> None:
        """Give the draft's folder the gallery's place, by a rename; raises GalleryNotFound without a draft."""
        await _to_its_end(self._publish(gallery_id))

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None:
        """Write all or none; raises ModelMismatch and InvalidModel for embeddings that cannot be kept."""
        link = await self._link()
        request = _put(gallery_id, _known(link, gallery_id), templates)
        if request.ids:
            await link.ask(request)

    async def move(self, gallery_id: str, templates: Sequence[Template], remove: Sequence[UUID]) -> None:
        """Write and remove, all or nothing even in a crash; an id in both is written. Raises as `put`."""
        link = await self._link()
        request = _put(gallery_id, _known(link, gallery_id), templates)
        leaving = {str(template_id) for template_id in remove} - set(request.ids)
        await link.ask(MoveTemplates(request, sorted(leaving)))

    async def find(self, gallery_id: str, template_ids: Sequence[UUID]) -> list[TemplateInfo]:
        """Fetch those that exist, in the order asked."""
        link = await self._link()
        gallery = _known(link, gallery_id)
        ids = [str(template_id) for template_id in dict.fromkeys(template_ids)]
        found = dict(await link.ask(Find(gallery_id, ids))) if ids else {}
        return [info_of(point_id, found[point_id], gallery) for point_id in ids if point_id in found]

    async def nearest(
        self, gallery_id: str, embedding: Embedding, *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Neighbour]:
        """Search exactly; raises ModelMismatch and InvalidModel for an embedding that does not fit."""
        link = await self._link()
        probe = checked_embedding(_known(link, gallery_id), embedding)
        points = await link.ask(Nearest(gallery_id, probe.tobytes(), limit, where))
        return _neighbours(points, gallery_id)

    async def nearest_to_each(
        self, gallery_id: str, templates: Sequence[Template], *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[list[Neighbour]]:
        """Search exactly, eight in one trip to the engine's process; raises as `put`."""
        link = await self._link()
        vectors = checked_embeddings(_known(link, gallery_id), templates)
        found: list[list[Neighbour]] = []
        for begin in range(0, len(templates), _SEARCHED_AT_ONCE):
            some = slice(begin, begin + _SEARCHED_AT_ONCE)
            names = [template.info.identity_id for template in templates[some]]
            answer = await link.ask(NearestToEach(gallery_id, names, vectors[some].tobytes(), limit, where))
            found += [_neighbours(hits, gallery_id) for hits in answer]
        return found

    async def nearest_identities(
        self, gallery_id: str, embedding: Embedding, *, limit: int, fusion: Fusion, where: TemplateFilter = EVERYTHING
    ) -> tuple[Candidate, ...]:
        """Search exactly and rank, all in one trip to the engine's process; raises as `nearest`."""
        link = await self._link()
        probe = checked_embedding(_known(link, gallery_id), embedding)
        ranked = await link.ask(NearestIdentities(gallery_id, probe.tobytes(), limit, fusion, where))
        return tuple(Candidate(name, distance, UUID(int=point_id)) for name, distance, point_id in ranked)

    async def scan(
        self, gallery_id: str, *, after: UUID | None, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Template]:
        """Fetch whole templates by id: a thousand of 128 numbers take 80 ms, and other calls wait for some of it."""
        link = await self._link()
        gallery = _known(link, gallery_id)
        if limit < 1 or after == _LAST_ID:
            return []
        start = None if after is None else str(UUID(int=after.int + 1))
        return [
            template_of(point_id, payload, np.frombuffer(vector, np.float32), gallery)
            for point_id, payload, vector in await link.ask(Scan(gallery_id, start, limit, where))
        ]

    async def count_identities(self, gallery_id: str) -> int:
        """Count the identities, in memory once a listing or a count has read them."""
        link = await self._link()
        _known(link, gallery_id)
        return int(await link.ask(CountIdentities(gallery_id)))

    async def list_identities(
        self, gallery_id: str, *, after: str, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[IdentitySummary]:
        """Page by identity id: fast without a filter or with one by expiry alone, else as slow as all that fits."""
        link = await self._link()
        _known(link, gallery_id)
        return [IdentitySummary(*line) for line in await link.ask(ListIdentities(gallery_id, after, limit, where))]

    async def list_templates(self, gallery_id: str, identity_id: str) -> list[TemplateInfo]:
        """List an identity's templates, oldest first."""
        link = await self._link()
        gallery = _known(link, gallery_id)
        points = await link.ask(ListTemplates(gallery_id, identity_id))
        infos = [info_of(point_id, payload, gallery) for point_id, payload in points]
        return sorted(infos, key=lambda info: (info.enrolled_at, info.template_id))

    async def delete_identity(self, gallery_id: str, identity_id: str) -> int:
        """Erase an identity; returns how many templates went."""
        link = await self._link()
        _known(link, gallery_id)
        return int(await link.ask(DeleteIdentity(gallery_id, identity_id)))

    async def delete_template(self, gallery_id: str, template_id: UUID) -> bool:
        """Erase one template; returns whether there was one."""
        link = await self._link()
        _known(link, gallery_id)
        return bool(await link.ask(DeleteTemplate(gallery_id, str(template_id))))

    async def delete_expired(self, gallery_id: str, now: datetime) -> int:
        """Erase what has expired; returns how many templates went."""
        link = await self._link()
        _known(link, gallery_id)
        return int(await link.ask(DeleteExpired(gallery_id, now)))

    async def record_erasures(self, entries: Sequence[LedgerEntry]) -> None:
        """Add to the ledger in the store's folder, synced."""
        await (await self._link()).ask(RecordErasures(list(entries)))

    async def list_erasures(self, gallery_id: str) -> list[LedgerEntry]:
        """Read a gallery's part of the ledger; raises StoreCorrupt."""
        entries: list[LedgerEntry] = await (await self._link()).ask(ListErasures(gallery_id))
        return entries

    async def compact(self, gallery_id: str) -> None:
        """Rewrite the gallery's files without what was deleted, between other calls: 0.5 s for 20,000 templates."""
        link = await self._link()
        _known(link, gallery_id)
        await link.ask(Compact(gallery_id))

    async def check(self) -> None:
        """Start the process if need be and have it answer."""
        await (await self._link()).ask(Ping())

    async def close(self) -> None:
        """Flush and end the process; a closed store refuses with StoreUnavailable."""
        self._closed = True
        if self._opening is not None:
            with suppress(GalleryError):
                await (await self._opening).close()

    async def _link(self) -> Link:
        if self._closed:
            raise StoreUnavailable(f"the store {self._folder} is closed", remedy="open it again")
        if self._opening is not None and self._opening.done() and _is_usable(self._opening):
            return self._opening.result()
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(Link.open(self._folder))
        return await asyncio.shield(self._opening)

    async def _create(self, gallery: Gallery) -> None:
        link = await self._link()
        await link.ask(CreateGallery(gallery))
        link.galleries[gallery.gallery_id] = gallery

    async def _create_draft(self, gallery: Gallery) -> None:
        link = await self._link()
        await link.ask(CreateDraft(gallery))
        link.galleries[draft_of(gallery.gallery_id)] = gallery

    async def _publish(self, gallery_id: str) -> None:
        link = await self._link()
        gallery = _known(link, draft_of(gallery_id))
        await link.ask(PublishDraft(gallery_id))
        link.broken.pop(gallery_id, None)
        link.galleries[gallery_id] = gallery
        del link.galleries[draft_of(gallery_id)]

    async def _update(self, gallery: Gallery, replacing: Gallery) -> None:
        link = await self._link()
        _known(link, gallery.gallery_id)
        await link.ask(UpdateGallery(gallery, replacing))
        link.galleries[gallery.gallery_id] = gallery

    async def _delete(self, gallery_id: str) -> int:
        link = await self._link()
        _known(link, gallery_id)
        count = int(await link.ask(DeleteGallery(gallery_id)))
        del link.galleries[gallery_id]
        return count


def _put(gallery_id: str, gallery: Gallery, templates: Sequence[Template]) -> Put:
    chosen = {str(template.info.template_id): template for template in templates}
    vectors = checked_embeddings(gallery, list(chosen.values()))
    payloads = [payload_of(template.info) for template in chosen.values()]
    return Put(gallery_id, list(chosen), payloads, vectors.tobytes())


def _neighbours(hits: Sequence[tuple[int, str, float]], gallery_id: str) -> list[Neighbour]:
    return [neighbour_of(UUID(int=point_id), owner, similarity, gallery_id) for point_id, owner, similarity in hits]


def _known(link: Link, gallery_id: str) -> Gallery:
    if gallery_id in link.broken:
        raise StoreCorrupt(link.broken[gallery_id], gallery_id=gallery_id)
    if gallery_id not in link.galleries:
        raise unknown_gallery(gallery_id)
    return link.galleries[gallery_id]


def _is_usable(opening: asyncio.Task[Link]) -> bool:
    return not opening.cancelled() and opening.exception() is None and opening.result().alive


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Finish ``work`` even when the caller is cancelled: what is known here must follow what is on disk."""
    return await asyncio.shield(asyncio.create_task(work))
