"""Galleries as shards of the embedded Qdrant engine: points written, found, searched, listed and deleted.

Only this module, `engine`, `search` and `conditions` import the engine. It runs in a process of its own, and nothing
here knows of pipes. Its errors are bare Exceptions, which the caller translates.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
from qdrant_edge import (
    CountRequest,
    Point,
    ScrollRequest,
    UpdateOperation,
)

from gallery.edge_store.conditions import (
    condition_of,
    expired_by,
    is_only_about_expiry,
    of_identity,
)
from gallery.edge_store.folders import GalleryFolders
from gallery.edge_store.messages import (
    CountIdentities,
    DeleteExpired,
    DeleteIdentity,
    DeleteTemplate,
    Find,
    ListIdentities,
    ListTemplates,
    MoveTemplates,
    Nearest,
    NearestIdentities,
    NearestToEach,
    Put,
    Scan,
)
from gallery.edge_store.rows import FIELDS, Rows
from gallery.edge_store.search import Hit, Search
from gallery.edge_store.shelf import OpenShard, Shelf
from gallery.matching.mean_lengths import MeanLengths

_SCROLL = 10_000


class Shards(Shelf):
    """What is asked of the shards of a store: points written, found, searched, listed and deleted."""

    def __init__(self, folders: GalleryFolders) -> None:
        super().__init__(folders)
        self._mean_lengths = MeanLengths()

    def put(self, request: Put) -> None:
        """Write points over those of the same ids; on disk after `flush`."""
        self._write(self._shard(request.gallery_id), request, [])

    def move(self, request: MoveTemplates) -> None:
        """Write points and remove others in one step; on disk when it returns.

        The move is noted on disk first, and a shard that is opened with a note does it before anything else.
        """
        shard, put = self._shard(request.gallery_id), request.put
        vectors = _vectors(put).tolist()
        note = {"ids": put.ids, "payloads": put.payloads, "vectors": vectors, "remove": request.remove}
        self._folders.begin_move(request.gallery_id, note)
        self._write(shard, put, request.remove)
        shard.engine.flush()
        self._folders.end_move(request.gallery_id)

    def find(self, request: Find) -> list[tuple[str, Any]]:
        """Fetch the payloads of the points that exist."""
        records = self._shard(request.gallery_id).engine.retrieve(request.ids, True, False)
        return [(str(record.id), record.payload) for record in records]

    def nearest(self, request: Nearest) -> list[Hit]:
        """Find the nearest templates."""
        search = self._search(request.gallery_id)
        return search.nearest(np.frombuffer(request.vector, np.float32), request.limit, request.where)

    def nearest_to_each(self, request: NearestToEach) -> list[tuple[Hit, ...]]:
        """Find the nearest templates to several vectors, and the nearest of each one's own identity."""
        search = self._search(request.gallery_id)
        vectors = np.frombuffer(request.vectors, np.float32).reshape(len(request.identity_ids), -1)
        found = search.nearest_to_each(request.identity_ids, vectors, request.limit, request.where)
        return [tuple(hits) for hits in found]

    def nearest_identities(self, request: NearestIdentities) -> list[tuple[str, float, int]]:
        """Rank the identities that have the nearest templates."""
        search, vector = self._search(request.gallery_id), np.frombuffer(request.vector, np.float32)
        ranked = search.rank(vector, request.limit, request.fusion, request.where)
        return [(each.identity_id, each.distance, each.template_id.int) for each in ranked]

    def scan(self, request: Scan) -> list[tuple[str, Any, bytes]]:
        """Fetch points whole, by id."""
        engine = self._shard(request.gallery_id).engine
        page = ScrollRequest(
            offset=request.start,
            limit=min(request.limit, max(engine.info().points_count, 1)),
            filter=condition_of(request.where),
            with_payload=True,
            with_vector=True,
        )
        records, _ = engine.scroll(page)
        return [(str(record.id), record.payload, np.asarray(record.vector, np.float32).tobytes()) for record in records]

    def count_identities(self, request: CountIdentities) -> int:
        """Count the identities."""
        return len(self._rows(self._shard(request.gallery_id)).catalogue)

    def list_identities(self, request: ListIdentities) -> list[tuple[str, int]]:
        """Page through the identities by id.

        A page of all, or of all that have not expired, costs what it holds and what has expired and is still there;
        a page of any other filter costs all that fit it.
        """
        shard, where = self._shard(request.gallery_id), request.where
        if is_only_about_expiry(where):
            expired = Counter() if where.alive_at is None else self._identities(shard, expired_by(where.alive_at))
            return self._rows(shard).catalogue.page(request.after, request.limit, expired)
        counts = self._identities(shard, condition_of(where))
        names = sorted(name for name in counts if name > request.after)
        return [(name, counts[name]) for name in names[: request.limit]]

    def list_templates(self, request: ListTemplates) -> list[tuple[str, Any]]:
        """Fetch the payloads of an identity's points."""
        engine, only = self._shard(request.gallery_id).engine, of_identity(request.identity_id)
        count = engine.count(CountRequest(exact=True, filter=only))
        records, _ = engine.scroll(ScrollRequest(filter=only, limit=max(count, 1), with_payload=True))
        return [(str(record.id), record.payload) for record in records]

    def delete_identity(self, request: DeleteIdentity) -> int:
        """Delete an identity's points; on disk after `flush`."""
        return self._delete(self._shard(request.gallery_id), of_identity(request.identity_id))

    def delete_template(self, request: DeleteTemplate) -> bool:
        """Delete one point; on disk after `flush`."""
        shard = self._shard(request.gallery_id)
        deleted = bool(shard.engine.retrieve([request.template_id], False, False))
        if deleted:
            self._unflushed.add(request.gallery_id)
            shard.engine.erase(UpdateOperation.delete_points([request.template_id]))
            if shard.rows is not None:
                shard.rows.remove([UUID(request.template_id).int])
        return deleted

    def delete_expired(self, request: DeleteExpired) -> int:
        """Delete the points that have expired; on disk after `flush`."""
        return self._delete(self._shard(request.gallery_id), expired_by(request.now))

    def _finish_move(self, gallery_id: str, shard: OpenShard) -> None:
        note = self._folders.pending_move(gallery_id)
        if note is not None:
            vectors = np.asarray(note["vectors"], np.float32).tobytes()
            self._write(shard, Put(gallery_id, note["ids"], note["payloads"], vectors), note["remove"])
            shard.engine.flush()
            self._folders.end_move(gallery_id)

    def _write(self, shard: OpenShard, put: Put, remove: list[str]) -> None:
        points = [
            Point(id=point_id, vector=vector, payload=payload)
            for point_id, vector, payload in zip(put.ids, _vectors(put), put.payloads, strict=True)
        ]
        self._unflushed.add(put.gallery_id)
        if points:
            shard.engine.update(UpdateOperation.upsert_points(points))
        if remove:
            shard.engine.erase(UpdateOperation.delete_points(list(remove)))
        if shard.rows is not None:
            for point_id, payload in zip(put.ids, put.payloads, strict=True):
                shard.rows.put(UUID(point_id).int, payload)
            shard.rows.remove(UUID(point_id).int for point_id in remove)

    def _delete(self, shard: OpenShard, condition: Any) -> int:
        ids = [record.id for record in self._points(shard, condition, False)]
        if ids:
            self._unflushed.add(shard.name)
            shard.engine.erase(UpdateOperation.delete_points_by_filter(condition))
            if shard.rows is not None:
                shard.rows.remove(point_id.int for point_id in ids)
        return len(ids)

    def _search(self, gallery_id: str) -> Search:
        shard = self._shard(gallery_id)
        return Search(shard.engine, shard.gallery, self._rows(shard), self._mean_lengths)

    def _rows(self, shard: OpenShard) -> Rows:
        if shard.rows is None:
            points = self._points(shard, None, FIELDS)
            shard.rows = Rows(shard.gallery.gallery_id, ((point.id, point.payload) for point in points))
        return shard.rows

    def _identities(self, shard: OpenShard, condition: Any) -> Counter[str]:
        rows = self._rows(shard)
        return Counter(rows.by_id[point.id.int].identity_id for point in self._points(shard, condition, False))

    def _points(self, shard: OpenShard, condition: Any, payload: list[str] | bool) -> Iterator[Any]:
        offset = None
        while True:
            page = ScrollRequest(offset=offset, limit=_SCROLL, filter=condition, with_payload=payload)
            records, offset = shard.engine.scroll(page)
            yield from records
            if offset is None:
                return


def _vectors(put: Put) -> Any:
    return np.frombuffer(put.vectors, np.float32).reshape(len(put.ids), -1) if put.ids else np.empty((0, 0), np.float32)
