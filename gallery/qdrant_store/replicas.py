"""Writes to a collection of several replicas: done when every replica that takes part has them.

Qdrant leaves it to each node which replicas take part, and a node that was away acts, until it has caught up with
the others' agreement, on what it knew before (seen on 1.16.3). Such a node writes past a replica that has recovered
meanwhile: the write has reached enough replicas, is acknowledged, and is missing for good on one that is asked later.
A node that has given up on its peers acknowledges what it alone has. So each write is followed by reads.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models

from gallery.errors import StoreUnavailable
from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.nodes import of_each

_TRIES = 3
_SECONDS = 2  # for an answer of all replicas; after that, of as many as a write must reach
_NO_POINT = str(UUID(int=0))


@dataclass(frozen=True, slots=True)
class Replication:
    """How many replicas a collection should have, and how many a write must reach."""

    replicas: int
    copies: int

    @classmethod
    def of(cls, config: models.CollectionConfig) -> "Replication":
        """Read a collection's."""
        params = config.params
        return cls(params.replication_factor or 1, params.write_consistency_factor or 1)


@dataclass(frozen=True, slots=True)
class Write:
    """A call that may be repeated, the ids of points that it writes, and the filter that nothing fits after it."""

    collection: str
    call: Callable[[], Awaitable[object]]
    written: Sequence[str] = ()
    deleted: models.Filter | None = None


class Replicas:
    """Carries out writes and looks whether all replicas have them."""

    def __init__(self, client: AsyncQdrantClient, attempts: Attempts) -> None:
        self._client = client
        self._attempts = attempts

    async def write(self, gallery_id: str, write: Write, replication: Replication) -> None:
        """Write until it is done; raises StoreUnavailable where it is not, or where too few replicas are there."""
        for _ in range(_TRIES):
            await self._attempts.call(gallery_id, write.call)
            if replication.replicas == 1 or await self._is_done(gallery_id, write, replication):
                return
        raise StoreUnavailable(
            "not all replicas took the write",
            expected="nodes of the Qdrant cluster that agree on which of them are there",
            remedy="try again; gallery doctor --system says which replicas are behind",
        )

    async def find(
        self, gallery_id: str, collection: str, ids: Sequence[str], replication: Replication
    ) -> list[models.Record]:
        """Fetch points that all replicas have but those known to be away; raises StoreUnavailable if too few are there.

        What one replica kept of a write that failed is not there yet: to call it written would be to lose it.
        """
        read = partial(self._client.retrieve, collection, ids)
        for number in range(replication.replicas, replication.copies, -1):
            try:
                return await self._attempts.call(gallery_id, partial(read, consistency=number, timeout=_SECONDS))
            except StoreUnavailable:
                continue
        copies = replication.copies if replication.copies > 1 else None
        return await self._attempts.call(gallery_id, partial(read, consistency=copies))

    async def count(self, gallery_id: str, collection: str, only: models.Filter, replication: Replication) -> int:
        """Count the points that fit on the replica that has most; raises StoreUnavailable if too few are there.

        A read of several replicas finds what all of them have, so what is left on one is looked for one by one.
        """

        async def of(client: AsyncQdrantClient) -> int:
            counted = await self._attempts.call(gallery_id, partial(client.count, collection, only, exact=True))
            return counted.count

        return max(await of_each(self._client, of, replication.replicas, replication.copies))

    async def _is_done(self, gallery_id: str, write: Write, replication: Replication) -> bool:
        found = await self.find(gallery_id, write.collection, write.written or [_NO_POINT], replication)
        if len(found) < len(set(write.written)):
            return False
        return write.deleted is None or not await self.count(gallery_id, write.collection, write.deleted, replication)
