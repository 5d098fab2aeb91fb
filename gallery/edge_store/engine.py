"""One gallery's shard of the engine, which can be rewritten without its deleted points while it is in use.

The engine only marks points as deleted and keeps their bytes; its own `optimize` would freeze every call for minutes
and leaves erased identities' names in its log. So the living points are copied into a new shard a few at a time,
between other requests; what is written meanwhile is written to both; then the new one takes the old one's place.
"""

from pathlib import Path
from typing import Any

from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeVectorParams,
    Point,
    ScrollRequest,
    UpdateOperation,
)

from gallery.domain import Gallery
from gallery.edge_store.conditions import INDICES
from gallery.edge_store.folders import GalleryFolders
from gallery.errors import StoreCorrupt

_POINTS_A_STEP = 128  # about 5 ms of 128 numbers each


class Engine:
    """An open shard; whatever is not here is the engine's own method."""

    def __init__(self, folders: GalleryFolders, gallery_id: str, gallery: Gallery) -> None:
        """Open the shard of a gallery or draft; raises StoreCorrupt."""
        self._folders = folders
        self._gallery_id = gallery_id
        self._gallery = gallery
        folders.unseal(gallery_id)
        self._shard = _loaded(folders.shard(gallery_id), gallery)
        self._copy: Any = None
        self._copied_up_to: Any = None
        self._copy_failed: Exception | None = None
        self._outdated = False  # something was deleted that the copy may hold

    @staticmethod
    def make(path: Path, gallery: Gallery) -> Any:
        """Make an empty shard with its indices, open."""
        shard = EdgeShard.create(str(path), _config(gallery))
        for field, index in INDICES.items():
            shard.update(UpdateOperation.create_field_index(field, index))
        return shard

    def __getattr__(self, name: str) -> Any:
        """Look up the engine's own methods."""
        return getattr(self._shard, name)

    def update(self, operation: Any) -> None:
        """Write; on disk after `flush`."""
        self._shard.update(operation)
        if self._copy is not None:
            try:
                self._copy.update(operation)
            except Exception as error:  # the copy's trouble alone: `rewrite` tells it
                self._copy_failed = error

    def erase(self, operation: Any) -> None:
        """Write what deletes points, with a note that their bytes are still there."""
        self._folders.mark_erased(self._gallery_id)
        self._outdated = True
        self.update(operation)

    def close(self) -> None:
        """Close the shard, and give a copy up."""
        self.stop_rewriting()
        self._shard.close()

    def start_rewriting(self) -> bool:
        """Begin to copy the living points, or begin anew if some were deleted since; returns whether it must."""
        if not self._folders.is_marked_erased(self._gallery_id):
            return False
        if self._outdated:
            self.stop_rewriting()
        if self._copy is None:
            self._outdated, self._copied_up_to, self._copy_failed = False, None, None
            self._copy = self.make(self._folders.new_shard(self._gallery_id), self._gallery)
        return True

    def rewrite(self) -> bool:
        """Copy some more; returns whether the copy is whole, and then it is the shard, flushed. Raises the engine's."""
        if self._copy_failed is not None:
            raise self._copy_failed
        page = ScrollRequest(offset=self._copied_up_to, limit=_POINTS_A_STEP, with_payload=True, with_vector=True)
        records, self._copied_up_to = self._shard.scroll(page)
        if records:
            points = [Point(id=each.id, vector=each.vector, payload=each.payload) for each in records]
            self._copy.update(UpdateOperation.upsert_points(points))
        if self._copied_up_to is not None:
            return False
        self._take_place()
        return True

    def stop_rewriting(self) -> None:
        """Give a copy up; its folder is cleared away when the next begins, or the store is opened."""
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def _take_place(self) -> None:
        self._copy.flush()
        self._copy.close()
        self._copy = None
        self._shard.flush()
        self._shard.close()
        self._folders.replace_shard(self._gallery_id)
        self._shard = _loaded(self._folders.shard(self._gallery_id), self._gallery)
        if not self._outdated:
            self._folders.unmark_erased(self._gallery_id)


def _loaded(path: Path, gallery: Gallery) -> Any:
    try:
        return EdgeShard.load(str(path), _config(gallery))
    except Exception as error:
        raise StoreCorrupt(
            f"the templates in {path} cannot be opened ({error})",
            expected=f"a shard of {gallery.dimension} dimensions",
            remedy="restore the gallery from a backup",
            gallery_id=gallery.gallery_id,
        ) from error


def _config(gallery: Gallery) -> EdgeConfig:
    vectors = EdgeVectorParams(size=gallery.dimension, distance=Distance.Cosine)
    return EdgeConfig(vectors=vectors, max_search_threads=1)  # a shard is one segment, which one thread searches
