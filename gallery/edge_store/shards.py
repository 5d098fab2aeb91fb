"""Galleries as shards of the embedded Qdrant engine: the only module that imports it.

It runs in the engine's own process and knows nothing of pipes. The engine's errors are bare Exceptions;
whoever calls translates them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_edge import (
    CountRequest,
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeVectorParams,
    FieldCondition,
    Filter,
    KeywordIndexParams,
    MatchValue,
    Point,
    Query,
    QueryRequest,
    ScrollRequest,
    SearchParams,
    UpdateOperation,
)

from gallery.domain import Gallery
from gallery.edge_store.catalogue import Catalogue
from gallery.edge_store.folders import GalleryFolders
from gallery.edge_store.messages import (
    CreateGallery,
    DeleteGallery,
    DeleteIdentity,
    DeleteTemplate,
    Find,
    ListIdentities,
    ListTemplates,
    Nearest,
    Put,
)
from gallery.errors import StoreCorrupt
from gallery.records import foreign_point, taken_gallery, unknown_gallery

_IDENTITY = "identity_id"
_SCROLL = 10_000


@dataclass
class _Open:
    """A shard in use. Its catalogue is built by the first listing, in 0.5 s for 100,000, and kept up from then on."""

    gallery: Gallery
    engine: Any
    catalogue: Catalogue | None = None


class Shards:
    """The shards of a store, opened when they are first asked for."""

    def __init__(self, folders: GalleryFolders) -> None:
        self._folders = folders
        self._open: dict[str, _Open] = {}
        self._unflushed: set[str] = set()

    def create(self, request: CreateGallery) -> None:
        """Create a gallery; raises GalleryAlreadyExists."""
        gallery = request.gallery
        if self._folders.has(gallery.gallery_id):
            raise taken_gallery(gallery.gallery_id)

        def make_shard(path: Path) -> None:
            engine = EdgeShard.create(str(path), _config(gallery))
            engine.update(UpdateOperation.create_field_index(_IDENTITY, KeywordIndexParams(enable_hnsw=False)))
            engine.flush()
            engine.close()

        self._folders.create(gallery, make_shard)

    def delete(self, request: DeleteGallery) -> int:
        """Delete a gallery with all its templates."""
        count = int(self._shard(request.gallery_id).engine.count(CountRequest(exact=True)))
        self.drop(request.gallery_id)
        self._unflushed.discard(request.gallery_id)
        self._folders.remove(request.gallery_id)
        return count

    def put(self, request: Put) -> None:
        """Write points over those of the same ids; on disk after `flush`."""
        shard = self._shard(request.gallery_id)
        vectors: Any = np.frombuffer(request.vectors, np.float32).reshape(len(request.ids), -1)
        points = [
            Point(id=point_id, vector=vector, payload=payload)
            for point_id, vector, payload in zip(request.ids, vectors, request.payloads, strict=True)
        ]
        replaced = [] if shard.catalogue is None else self._identities_of(shard, request.ids)
        self._unflushed.add(request.gallery_id)
        shard.engine.update(UpdateOperation.upsert_points(points))
        if shard.catalogue is not None:
            for payload in request.payloads:
                shard.catalogue.add(payload[_IDENTITY])
            for identity_id in replaced:
                shard.catalogue.remove(identity_id)

    def find(self, request: Find) -> list[tuple[str, Any]]:
        """Fetch the payloads of the points that exist."""
        records = self._shard(request.gallery_id).engine.retrieve(request.ids, True, False)
        return [(str(record.id), record.payload) for record in records]

    def nearest(self, request: Nearest) -> list[tuple[str, Any, float]]:
        """Search exactly, without an approximate index: strangers are whom such an index misses."""
        engine = self._shard(request.gallery_id).engine
        vector: Any = np.frombuffer(request.vector, np.float32)  # the stubs want a list; the engine takes both
        query = QueryRequest(
            query=Query.Nearest(vector),
            limit=min(request.limit, engine.info().points_count),
            filter=None if request.identity_id is None else _only(request.identity_id),
            with_payload=[_IDENTITY],
            params=SearchParams(exact=True),
        )
        return [(str(point.id), (point.payload or {}).get(_IDENTITY), point.score) for point in engine.query(query)]

    def list_identities(self, request: ListIdentities) -> list[tuple[str, int]]:
        """Page through the identities by id."""
        shard = self._shard(request.gallery_id)
        if shard.catalogue is None:
            shard.catalogue = Catalogue(self._all_identities(shard))
        return shard.catalogue.page(request.after, request.limit)

    def list_templates(self, request: ListTemplates) -> list[tuple[str, Any]]:
        """Fetch the payloads of an identity's points."""
        engine, only = self._shard(request.gallery_id).engine, _only(request.identity_id)
        count = engine.count(CountRequest(exact=True, filter=only))
        records, _ = engine.scroll(ScrollRequest(filter=only, limit=max(count, 1), with_payload=True))
        return [(str(record.id), record.payload) for record in records]

    def delete_identity(self, request: DeleteIdentity) -> int:
        """Delete an identity's points; on disk after `flush`."""
        shard, only = self._shard(request.gallery_id), _only(request.identity_id)
        count = int(shard.engine.count(CountRequest(exact=True, filter=only)))
        if count:
            self._unflushed.add(request.gallery_id)
            shard.engine.update(UpdateOperation.delete_points_by_filter(only))
            if shard.catalogue is not None:
                shard.catalogue.forget(request.identity_id)
        return count

    def delete_template(self, request: DeleteTemplate) -> bool:
        """Delete one point; on disk after `flush`."""
        shard = self._shard(request.gallery_id)
        deleted = self._identities_of(shard, [request.template_id])
        if deleted:
            self._unflushed.add(request.gallery_id)
            shard.engine.update(UpdateOperation.delete_points([request.template_id]))
            if shard.catalogue is not None:
                shard.catalogue.remove(deleted[0])
        return bool(deleted)

    def flush(self) -> dict[str, Exception]:
        """Bring every write since the last flush to disk; returns the galleries where that failed, and why."""
        failed: dict[str, Exception] = {}
        for gallery_id in self._unflushed:
            try:
                self._shard(gallery_id).engine.flush()
            except Exception as error:
                failed[gallery_id] = error
        self._unflushed.clear()
        return failed

    def drop(self, gallery_id: str) -> None:
        """Close a shard; the next request opens it again from what is on disk."""
        shard = self._open.pop(gallery_id, None)
        if shard is not None:
            shard.engine.close()

    def close(self) -> None:
        """Flush and close every shard."""
        self.flush()
        for gallery_id in list(self._open):
            self.drop(gallery_id)

    def _shard(self, gallery_id: str) -> _Open:
        if gallery_id not in self._open:
            if not self._folders.has(gallery_id):
                raise unknown_gallery(gallery_id)
            gallery, path = self._folders.gallery(gallery_id), self._folders.shard(gallery_id)
            try:
                engine = EdgeShard.load(str(path), _config(gallery))
            except Exception as error:
                raise StoreCorrupt(
                    f"the templates in {path} cannot be opened ({error})",
                    expected=f"a shard of {gallery.dimension} dimensions",
                    remedy="restore the gallery's folder from a backup",
                ) from error
            self._open[gallery_id] = _Open(gallery, engine)
        return self._open[gallery_id]

    def _all_identities(self, shard: _Open) -> Iterator[str]:
        offset = None
        while True:
            page = ScrollRequest(offset=offset, limit=_SCROLL, with_payload=[_IDENTITY], with_vector=False)
            records, offset = shard.engine.scroll(page)
            yield from (_identity_of(record, shard) for record in records)
            if offset is None:
                return

    def _identities_of(self, shard: _Open, ids: list[str]) -> list[str]:
        return [_identity_of(record, shard) for record in shard.engine.retrieve(ids, [_IDENTITY], False)]


def _identity_of(record: Any, shard: _Open) -> str:
    identity_id = (record.payload or {}).get(_IDENTITY)
    if not isinstance(identity_id, str):
        raise foreign_point(record.id, shard.gallery.gallery_id, "it has no identity")
    return identity_id


def _only(identity_id: str) -> Filter:
    return Filter(must=[FieldCondition(_IDENTITY, match=MatchValue(identity_id))])


def _config(gallery: Gallery) -> EdgeConfig:
    return EdgeConfig(vectors=EdgeVectorParams(size=gallery.dimension, distance=Distance.Cosine))
