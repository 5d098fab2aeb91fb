"""The store on a Qdrant server or cluster: templates ↔ points, and Qdrant's errors ↔ the gallery's."""

from gallery.qdrant_store.mending import Mended
from gallery.qdrant_store.options import QdrantOptions
from gallery.qdrant_store.store import QdrantStore

__all__ = ["Mended", "QdrantOptions", "QdrantStore"]
