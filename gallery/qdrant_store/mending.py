"""Replicas made even again: what some have and others lack is written everywhere, or erased everywhere.

Which of the two, the ledger of erasures says (`ledger.judged`), for it has an erasure before a template goes. Ids come
from content, so writing again is safe; an enrolment that was answered with an error may appear by it: its outcome was
not known. What the ledger leaves in doubt, and what has expired, which the caretaker erases, is left as it is.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from qdrant_client import AsyncQdrantClient

from gallery.domain import Gallery, Template
from gallery.ledger import Verdict, judged
from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.collections import PREFIX
from gallery.qdrant_store.ledger import Ledger
from gallery.qdrant_store.nodes import of_each
from gallery.qdrant_store.points import template_of_record

_SLACK = timedelta(minutes=1)
"""How far apart the clocks of two gallery servers may be."""

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Mended:
    """How many templates were written and erased where they were missing or left, and which were left as they are.

    ``doubtful`` has their ids, with their identities.
    """

    written: int
    erased: int
    doubtful: dict[str, str]


@dataclass(frozen=True, slots=True)
class Hands:
    """What mending does it with: ``put`` and ``erase`` change a gallery, on all replicas."""

    put: Callable[[str, Sequence[Template]], Awaitable[None]]
    erase: Callable[[str, Sequence[UUID]], Awaitable[None]]


class Mending:
    """Mends a gallery of so many replicas; raises StoreUnavailable, after which it can be begun again."""

    def __init__(
        self, client: AsyncQdrantClient, attempts: Attempts, ledger: Ledger, hands: Hands, replicas: int
    ) -> None:
        self._client, self._attempts, self._ledger, self._hands = client, attempts, ledger, hands
        self._replicas = replicas

    async def mend(self, gallery: Gallery, uneven: Sequence[str], now: datetime) -> Mended:
        """Mend the templates with these ids."""
        written = erased = 0
        doubtful: dict[str, str] = {}
        for start in range(0, len(uneven), _PAGE):
            templates = await self._newest(gallery, uneven[start : start + _PAGE])
            verdicts = await self._verdicts(gallery, templates)
            staying = [each for each in templates if verdicts[each.info.template_id] is Verdict.STAYS]
            staying = [each for each in staying if each.info.expires_at is None or each.info.expires_at > now]
            gone = [key for key, verdict in verdicts.items() if verdict is Verdict.ERASED]
            await self._hands.put(gallery.gallery_id, staying)
            later = await self._verdicts(gallery, staying)  # erased meanwhile, and perhaps before it was written
            gone += [key for key, verdict in later.items() if verdict is not Verdict.STAYS]
            await self._hands.erase(gallery.gallery_id, gone)
            written, erased = written + len(staying), erased + len(gone)
            doubtful |= {
                str(each.info.template_id): each.info.identity_id
                for each in templates
                if verdicts[each.info.template_id] is Verdict.DOUBTFUL
            }
        return Mended(written, erased, doubtful)

    async def _newest(self, gallery: Gallery, ids: Sequence[str]) -> list[Template]:
        """Fetch each as it was enrolled last, from whichever replica has it."""

        async def of(client: AsyncQdrantClient) -> list[Template]:
            retrieve = partial(client.retrieve, PREFIX + gallery.gallery_id, ids, with_vectors=True)
            records = await self._attempts.call(gallery.gallery_id, retrieve)
            return [template_of_record(record, gallery) for record in records]

        answers = await of_each(self._client, of, self._replicas, enough=None)
        found = sorted((each for answer in answers for each in answer), key=lambda each: each.info.enrolled_at)
        return list({each.info.template_id: each for each in found}.values())

    async def _verdicts(self, gallery: Gallery, templates: Sequence[Template]) -> dict[UUID, Verdict]:
        """Judge them by the ledger as it is now, which must be read after them."""
        entries = await self._ledger.read(gallery.gallery_id) if templates else []
        return {each.info.template_id: judged(gallery.gallery_id, entries, each.info, _SLACK) for each in templates}
