"""Which templates are not on every replica: what a plain read finds on one, and a read of all does not.

Every replica may call itself ``Active`` and yet lack what the others have (seen on 1.16.3 after two of three nodes were
away at once). Each plain read shows one replica, behind a proxy the next each time, so as many reads are made as there
are replicas: what is missing is found with luck where a node alone is asked, and surely where they take turns.
"""

from collections.abc import Sequence
from functools import partial

from qdrant_client import AsyncQdrantClient, models

from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.collections import PREFIX
from gallery.qdrant_store.conditions import IDENTITY

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
        scroll = partial(self._client.scroll, PREFIX + self._gallery_id, with_payload=[IDENTITY], limit=_PAGE)
        seen: Seen = {}
        following: list[str] = []
        for _ in range(self._replicas):
            records, after = await self._attempts.call(self._gallery_id, partial(scroll, offset=offset))
            seen |= _seen(records)
            if after is not None:
                following.append(str(after))
        return seen, min(following, default=None)

    async def _somewhere(self, ids: Sequence[str]) -> Seen:
        seen: Seen = {}
        for _ in range(self._replicas):
            seen |= _seen(await self._retrieved(ids, consistency=None))
        return seen

    async def _lacking(self, seen: Seen) -> Seen:
        everywhere = _seen(await self._retrieved(list(seen), consistency=self._replicas)) if seen else {}
        return {each: identity_id for each, identity_id in seen.items() if each not in everywhere}

    async def _retrieved(self, ids: Sequence[str], consistency: int | None) -> list[models.Record]:
        retrieve = partial(self._client.retrieve, PREFIX + self._gallery_id, ids, with_payload=[IDENTITY])
        return await self._attempts.call(self._gallery_id, partial(retrieve, consistency=consistency))


def _seen(records: Sequence[models.Record]) -> Seen:
    return {str(record.id): str((record.payload or {}).get(IDENTITY)) for record in records}
