"""The store on one machine: Qdrant's engine embedded in a process of its own.

    EdgeStore  (store)     the port, in the caller's event loop
    └── Link   (link)      the pipe to the spawned process; asks and answers as `messages`
        ─ ─ ─ ─ ─ ─ ─      here the process ends
        serve  (process)   reads requests in groups, commits each group with one flush
        └── Shards (shards)     gallery ↔ shard of the engine: the only module that imports it
            └── folders    the layout on disk, and the lock on it

The engine holds the GIL in every call, so it never runs in the process that serves.
"""

from gallery.edge_store.store import EdgeStore

__all__ = ["EdgeStore"]
