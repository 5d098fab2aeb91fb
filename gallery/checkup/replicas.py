"""The replicas of a Qdrant server or cluster: up to date, alike, and made alike again where that is asked for."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from gallery.checkup.checks import Check, bad, good, warning
from gallery.domain import Gallery
from gallery.errors import GalleryError
from gallery.qdrant_store import QdrantStore

_NAME = "Qdrant replicas"
_SHOWN = 5  # of what is named
_MEND = "gallery doctor --system --mend makes them even, by the ledger of erasures"
_DOUBTFUL = "erase again whom you erased, merge or split again whom you moved, enrol the others again"


async def replicas_check(store: QdrantStore, *, mend: bool) -> Check:
    """See whether every replica is up to date, by what it says and by what it holds; ``mend`` what it holds."""
    try:
        states = await store.replica_states()
        behind = [f"{replica} is {state}" for replica, state in states.items() if state != "Active"]
        if behind:
            told = f"{len(behind)} of {len(states)} are behind: {_few(behind, '; ')}"
            return warning(_NAME, told, "take no other node away until they are Active; start those that are")
        return await (_mended(store, len(states)) if mend else _compared(store, len(states)))
    except GalleryError as error:
        return bad(_NAME, str(error), "see what it says, and the log of the store")
    finally:
        await store.close()


async def _compared(store: QdrantStore, count: int) -> Check:
    uneven: list[str] = []
    async for gallery in _galleries(store):
        uneven += _named(gallery, await store.uneven(gallery.gallery_id))
    if not uneven:
        return good(_NAME, f"{count}, all Active")
    told = f"{count}, all Active, yet {len(uneven)} templates are not on every replica: {_few(uneven, ', ')}"
    return warning(_NAME, told, _MEND)


async def _mended(store: QdrantStore, count: int) -> Check:
    written = erased = 0
    doubtful: list[str] = []
    async for gallery in _galleries(store):
        mended = await store.mend(gallery.gallery_id, datetime.now(UTC))
        written, erased = written + mended.written, erased + mended.erased
        doubtful += _named(gallery, mended.doubtful)
    told = f"{count}, all Active; {written} templates written and {erased} erased where not every replica had them"
    if doubtful:
        return warning(_NAME, f"{told}; {len(doubtful)} left in doubt: {_few(doubtful, ', ')}", _DOUBTFUL)
    return good(_NAME, told)


async def _galleries(store: QdrantStore) -> AsyncIterator[Gallery]:
    after = ""
    while galleries := await store.list_galleries(after=after, limit=100):
        for gallery in galleries:
            yield gallery
        after = galleries[-1].gallery_id


def _named(gallery: Gallery, templates: dict[str, str]) -> list[str]:
    return [f"{identity_id} in {gallery.gallery_id} ({each})" for each, identity_id in templates.items()]


def _few(things: list[str], between: str) -> str:
    return between.join(things[:_SHOWN]) + (f"{between}…" if len(things) > _SHOWN else "")
