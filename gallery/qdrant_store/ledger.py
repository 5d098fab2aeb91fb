"""The ledger of erasures as a small collection of points without vectors, replicated like the galleries."""

from collections.abc import Sequence
from functools import partial

from qdrant_client import AsyncQdrantClient, models

from gallery.domain import LedgerEntry
from gallery.errors import GalleryAlreadyExists, GalleryNotFound
from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.nodes import of_each
from gallery.qdrant_store.options import QdrantOptions
from gallery.qdrant_store.replicas import Replicas, Replication, Write
from gallery.qdrant_store.translation import translated
from gallery.records import entry_of_record, record_of_entry

COLLECTION = "gallery-erasures"

_GALLERY = "gallery_id"
_PAGE = 1000


class Ledger:
    """What was erased, and what became of templates: appended to, never changed."""

    def __init__(
        self, client: AsyncQdrantClient, options: QdrantOptions, attempts: Attempts, replicas: Replicas
    ) -> None:
        self._client = client
        self._options = options
        self._attempts = attempts
        self._replicas = replicas
        self._replication: Replication | None = None

    async def append(self, entries: Sequence[LedgerEntry]) -> None:
        """Write entries; one that is there already stays as it is."""
        points = [
            models.PointStruct(id=str(entry.entry_id), vector={}, payload=record_of_entry(entry)) for entry in entries
        ]
        upsert = partial(self._client.upsert, COLLECTION, points, wait=True, ordering=models.WriteOrdering.MEDIUM)
        if not points:
            return
        write = Write(COLLECTION, upsert, [str(point.id) for point in points])
        try:
            await self._replicas.write("", write, await self._replicated())
        except GalleryNotFound:
            await self._create()
            self._replication = None
            await self._replicas.write("", write, await self._replicated())

    async def read(self, gallery_id: str) -> list[LedgerEntry]:
        """Read a gallery's entries, oldest first: all that any replica has, for none is ever taken back."""
        try:
            replication = await self._replicated()
            read = partial(self._read_one, gallery_id)
            answers = await of_each(self._client, read, replication.replicas, replication.copies)
        except GalleryNotFound:
            self._replication = None
            return []
        entries = {entry.entry_id: entry for answer in answers for entry in answer}
        return sorted(entries.values(), key=lambda entry: (entry.recorded_at, entry.entry_id))

    async def _read_one(self, gallery_id: str, client: AsyncQdrantClient) -> list[LedgerEntry]:
        only = models.Filter(must=[models.FieldCondition(key=_GALLERY, match=models.MatchValue(value=gallery_id))])
        scroll = partial(client.scroll, COLLECTION, only, limit=_PAGE, with_payload=True)
        entries: list[LedgerEntry] = []
        offset = None
        while True:
            records, offset = await self._attempts.call("", partial(scroll, offset=offset))
            entries += [entry_of_record(record.payload, f"a point of {COLLECTION}") for record in records]
            if offset is None:
                return entries

    async def _replicated(self) -> Replication:
        if self._replication is None:
            info = await self._attempts.call("", partial(self._client.get_collection, COLLECTION))
            self._replication = Replication.of(info.config)
        return self._replication

    async def _create(self) -> None:
        try:
            with translated():
                await self._client.create_collection(COLLECTION, vectors_config={}, **self._options.replication())
        except GalleryAlreadyExists:
            pass  # somebody else was faster
        schema = models.PayloadSchemaType.KEYWORD
        index = partial(self._client.create_payload_index, COLLECTION, field_name=_GALLERY, field_schema=schema)
        await self._attempts.call("", partial(index, wait=True))
