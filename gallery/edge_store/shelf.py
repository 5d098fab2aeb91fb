"""The shards of a store as wholes: created, opened, replaced, rewritten, flushed, closed and deleted."""

from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qdrant_edge import CountRequest

from gallery.domain import Gallery, draft_of
from gallery.edge_store.engine import Engine
from gallery.edge_store.folders import GalleryFolders
from gallery.edge_store.messages import (
    Compact,
    CreateDraft,
    CreateGallery,
    DeleteGallery,
    PublishDraft,
    UpdateGallery,
)
from gallery.edge_store.rows import Rows
from gallery.records import changed_gallery, taken_gallery, unknown_gallery


@dataclass
class OpenShard:
    """A shard in use. The first search or listing reads its rows, 1 s for 100,000; writes keep them up from then on."""

    name: str
    gallery: Gallery
    engine: Engine
    rows: Rows | None = None


class Shelf(ABC):
    """The shards of a store, opened when they are first asked for."""

    def __init__(self, folders: GalleryFolders) -> None:
        self._folders = folders
        self._open: dict[str, OpenShard] = {}
        self._unflushed: set[str] = set()
        self._rewriting: set[str] = set()

    def create(self, request: CreateGallery) -> None:
        """Create a gallery; raises GalleryAlreadyExists."""
        gallery = request.gallery
        if self._folders.has(gallery.gallery_id):
            raise taken_gallery(gallery.gallery_id)
        self._folders.create(gallery.gallery_id, gallery, partial(_make_shard, gallery))

    def create_draft(self, request: CreateDraft) -> None:
        """Create a draft, empty; one that is there already goes."""
        draft = draft_of(request.gallery.gallery_id)
        if self._folders.has(draft):
            self.drop(draft)
            self._folders.remove(draft)
        self._folders.create(draft, request.gallery, partial(_make_shard, request.gallery))

    def publish_draft(self, request: PublishDraft) -> None:
        """Have the draft take the gallery's place on disk, whatever happens then; raises GalleryNotFound."""
        gallery_id, draft = request.gallery_id, draft_of(request.gallery_id)
        self._shard(draft).engine.flush()
        for each in (gallery_id, draft):
            self._unflushed.discard(each)
            self.drop(each)
        self._folders.publish(gallery_id)

    def compact(self, request: Compact) -> bool:
        """Begin to rewrite a shard whose files hold what was deleted; returns whether there is need to."""
        if self._shard(request.gallery_id).engine.start_rewriting():
            self._rewriting.add(request.gallery_id)
        return request.gallery_id in self._rewriting

    @property
    def rewriting(self) -> frozenset[str]:
        """The galleries whose shards are being rewritten."""
        return frozenset(self._rewriting)

    def rewrite(self) -> dict[str, Exception | None]:
        """Rewrite a few points of each such shard; returns which are finished, and why one had to be given up."""
        done: dict[str, Exception | None] = {}
        for gallery_id in self.rewriting:
            try:
                if self._shard(gallery_id).engine.rewrite():
                    done[gallery_id] = None
            except Exception as error:
                done[gallery_id] = error
                self.drop(gallery_id)
        self._rewriting -= done.keys()
        return done

    def replace(self, request: UpdateGallery) -> None:
        """Write a gallery's record over the one the writer has read; raises GalleryChanged if it is another."""
        if not self._folders.has(request.gallery_id):
            raise unknown_gallery(request.gallery_id)
        if self._folders.gallery(request.gallery_id) != request.replacing:
            raise changed_gallery(request.gallery_id)
        self._folders.update(request.gallery)

    def delete(self, request: DeleteGallery) -> int:
        """Delete a gallery with all its templates."""
        count = int(self._shard(request.gallery_id).engine.count(CountRequest(exact=True)))
        self.drop(request.gallery_id)
        self._unflushed.discard(request.gallery_id)
        self._folders.remove(request.gallery_id)
        return count

    def flush(self) -> dict[str, Exception]:
        """Bring every write since the last flush to disk; returns where that failed, to be tried again."""
        failed: dict[str, Exception] = {}
        for gallery_id in self._unflushed:
            try:
                self._shard(gallery_id).engine.flush()
            except Exception as error:
                failed[gallery_id] = error
        self._unflushed = set(failed)
        return failed

    def drop(self, gallery_id: str) -> None:
        """Close a shard; the next request opens it again from what is on disk."""
        self._rewriting.discard(gallery_id)
        shard = self._open.pop(gallery_id, None)
        if shard is not None:
            shard.engine.close()

    def close(self) -> None:
        """Flush and close and seal every shard."""
        self.flush()
        for gallery_id in list(self._open):
            self.drop(gallery_id)
            with suppress(OSError):  # a full disk: then there is no seal
                self._folders.seal(gallery_id)

    def _shard(self, gallery_id: str) -> OpenShard:
        if gallery_id not in self._open:
            if not self._folders.has(gallery_id):
                raise unknown_gallery(gallery_id)
            gallery = self._folders.gallery(gallery_id)
            shard = OpenShard(gallery_id, gallery, Engine(self._folders, gallery_id, gallery))
            self._finish_move(gallery_id, shard)
            self._open[gallery_id] = shard
        return self._open[gallery_id]

    @abstractmethod
    def _finish_move(self, gallery_id: str, shard: OpenShard) -> None:
        """Do what a crash left undone of a move; called with each shard before anybody has it."""


def _make_shard(gallery: Gallery, path: Path) -> None:
    shard = Engine.make(path, gallery)
    shard.flush()
    shard.close()
