"""Which templates are not on every replica: what a plain read finds on one, and a read of all does not.

Every replica may call itself ``Active`` and yet lack what the others have (seen on 1.16.3 after two of three nodes were
away at once). Each plain read shows one replica, so each node is read where their URLs are known. Otherwise as many
reads are made as there are replicas: what is missing is found with luck, behind a proxy where they take turns.
"""

from collections.abc import Sequence
from functools import partial

from qdrant_client import AsyncQdrantClient, models

from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.collections import PREFIX
from gallery.qdrant_store.conditions import IDENTITY
from gallery.qdrant_store.nodes import of_each

_PAGE = 1000
Seen = dict[str, str]  # the identity of each template id


class Comparison:
    """Compares the replicas of a gallery; raises StoreUnavailable where one of them does not answer."""

    def __init__(self, client: AsyncQdrantClient, attempts: Attempts, gallery_id: str, replicas: int) -> None:
        self._client, self._attempts, self._gallery_id, self._replicas = client, attempts, gallery_id, replicas

    async def uneven(self) -> Seen:
        """Find templates that one replica has and another does not, by id, with their identities.

        They are looked at twice, because the gallery is written meanwhile.
        """
        uneven: Seen = {}
        offset: str | None = None
        while True:
            page, offset = await self._page(offset)
            uneven |= await self._lacking(page)
            if offset is None:
                break
        again: Seen = {}
        ids = list(uneven)
        for start in range(0, len(ids), _PAGE):
            again |= await self._lacking(await self._somewhere(ids[start : start + _PAGE]))
        return again

    async def _page(self, offset: str | None) -> tuple[Seen, str | None]:
        """Read a page of each replica; the next begins where the shortest of them ended."""
        collection = PREFIX + self._gallery_id

        async def of(client: AsyncQdrantClient) -> tuple[list[models.Record], str | None]:
            scroll = partial(client.scroll, collection, with_payload=[IDENTITY], limit=_PAGE, offset=offset)
            records, after = await self._attempts.call(self._gallery_id, scroll)
            return records, None if after is None else str(after)

        pages = await of_each(self._client, of, self._replicas, enough=None)
        seen = {each: whose for records, _ in pages for each, whose in _seen(records).items()}
        return seen, min((after for _, after in pages if after is not None), default=None)

    async def _somewhere(self, ids: Sequence[str]) -> Seen:
        async def of(client: AsyncQdrantClient) -> Seen:
            retrieve = partial(client.retrieve, PREFIX + self._gallery_id, ids, with_payload=[IDENTITY])
            return _seen(await self._attempts.call(self._gallery_id, retrieve))

        answers = await of_each(self._client, of, self._replicas, enough=None)
        return {each: whose for answer in answers for each, whose in answer.items()}

    async def _lacking(self, seen: Seen) -> Seen:
        retrieve = partial(self._client.retrieve, PREFIX + self._gallery_id, list(seen), with_payload=[IDENTITY])
        call = partial(retrieve, consistency=self._replicas)
        everywhere = _seen(await self._attempts.call(self._gallery_id, call)) if seen else {}
        return {each: identity_id for each, identity_id in seen.items() if each not in everywhere}


def _seen(records: Sequence[models.Record]) -> Seen:
    return {str(record.id): str((record.payload or {}).get(IDENTITY)) for record in records}
