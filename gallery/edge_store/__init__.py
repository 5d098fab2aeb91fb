"""The store on one machine: Qdrant's engine embedded in a process of its own.

    EdgeStore  (store)     the port, in the caller's event loop
    └── Link   (link)      the pipe to the spawned process; asks and answers as `messages` in `frames`
        ─ ─ ─ ─ ─ ─ ─      here the process ends
        serve  (process)   reads requests through an `inbox`, commits writes in groups with one flush
        └── Shards (shards, shelf)   gallery ↔ shard of the engine
            ├── Search (search)      nearest templates and identities; the engine's arithmetic
            │   └── Rows (rows)      what is told about each template; the `catalogue` of identities, their `means`
            ├── Engine (engine)      a shard that can be rewritten while it is in use
            └── folders    the layout on disk, and the lock on it

The engine holds the GIL in every call, so it never runs in the process that serves. The engine's process
imports this package too, so the store is imported only when it is used: it would double that process's start.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gallery.edge_store.store import EdgeStore

__all__ = ["EdgeStore"]


def __getattr__(name: str) -> object:
    if name != "EdgeStore":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("gallery.edge_store.store").EdgeStore
