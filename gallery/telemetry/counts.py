"""How much there is: counted now and then, since a store that is asked at every scrape would have better to do."""

import asyncio
from contextlib import suppress

from gallery.errors import GalleryError
from gallery.ports import TemplateStore
from gallery.telemetry.metrics import Metrics

_SECONDS_BETWEEN_COUNTS = 30.0
_AT_ONCE = 100


async def keep_counting(store: TemplateStore, metrics: Metrics) -> None:
    """Count again and again; a count that fails leaves the last one, for health says what is wrong."""
    while True:
        with suppress(GalleryError):
            metrics.counted(await _count(store))
        await asyncio.sleep(_SECONDS_BETWEEN_COUNTS)


async def _count(store: TemplateStore) -> dict[str, int]:
    counts: dict[str, int] = {}
    after = ""
    while galleries := await store.list_galleries(after=after, limit=_AT_ONCE):
        for gallery in galleries:
            counts[gallery.gallery_id] = await store.count_identities(gallery.gallery_id)
        after = galleries[-1].gallery_id
    return counts
