"""Where a gallery comes from: a store, by pages in the order of template ids. A backup is another (`backups`)."""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import numpy as np

from gallery.domain import ExportPage, Gallery, LedgerEntry, Template
from gallery.ports import TemplateStore
from gallery.records import payload_of

PAGE = 1000
"""Templates that are held at a time."""


class Source(Protocol):
    """A gallery to be copied."""

    async def gallery(self) -> Gallery:
        """Read the gallery's record."""

    async def erasures(self) -> list[LedgerEntry]:
        """Read the gallery's part of the ledger of erasures."""

    def pages(self) -> AsyncIterator[Sequence[Template]]:
        """Read the gallery's templates by id, up to PAGE at a time."""


class StoreSource:
    """A gallery of a store."""

    def __init__(self, store: TemplateStore, gallery_id: str) -> None:
        self._store = store
        self._gallery_id = gallery_id

    async def gallery(self) -> Gallery:
        """Get the record; raises GalleryNotFound."""
        return await self._store.get_gallery(self._gallery_id)

    async def erasures(self) -> list[LedgerEntry]:
        """Get the gallery's part of the ledger."""
        return await self._store.list_erasures(self._gallery_id)

    async def pages(self) -> AsyncIterator[Sequence[Template]]:
        """Scan the store."""
        after = None
        while page := await self._store.scan(self._gallery_id, after=after, limit=PAGE):
            yield page
            after = page[-1].info.template_id


class Exporter(Protocol):
    """What gives a gallery out page by page: a client of a running server."""

    async def export_page(self, gallery_id: str, *, after: UUID | None = None) -> ExportPage:
        """Fetch the templates after one."""


class ServerSource:
    """A gallery of a running server."""

    def __init__(self, exporter: Exporter, gallery_id: str) -> None:
        self._exporter = exporter
        self._gallery_id = gallery_id

    async def gallery(self) -> Gallery:
        """Get the record; raises GalleryNotFound."""
        return (await self._exporter.export_page(self._gallery_id)).gallery

    async def erasures(self) -> list[LedgerEntry]:
        """Get the gallery's part of the ledger."""
        return list((await self._exporter.export_page(self._gallery_id)).erasures)

    async def pages(self) -> AsyncIterator[Sequence[Template]]:
        """Export page by page."""
        after = None
        while page := (await self._exporter.export_page(self._gallery_id, after=after)).templates:
            yield page
            after = page[-1].info.template_id


class Digest:
    """SHA-256 over every template's id, payload and embedding, in the order of ids."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def add(self, templates: Sequence[Template]) -> None:
        """Add the next templates."""
        for template in templates:
            self._hash.update(template.info.template_id.bytes)
            self._hash.update(json.dumps(payload_of(template.info), sort_keys=True).encode())
            self._hash.update(np.ascontiguousarray(template.embedding, "<f4").tobytes())
        self.count += len(templates)

    def hex(self) -> str:
        """Write it in hex."""
        return self._hash.hexdigest()
