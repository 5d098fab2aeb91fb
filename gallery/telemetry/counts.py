"""How much there is, counted when it is asked for, but not at every scrape: a store has better to do."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gallery.errors import GalleryError
from gallery.ports import TemplateStore

_SECONDS_A_COUNT_LASTS = 30.0
_SECONDS_TO_COUNT = 5.0
_AT_ONCE = 100


class CountGauges(Collector):
    """Galleries, and the identities of each. ``name_of`` gives a gallery's label. To be made in the store's loop."""

    def __init__(self, store: TemplateStore, name_of: Callable[[str], str]) -> None:
        self._store = store
        self._name_of = name_of
        self._loop = asyncio.get_running_loop()
        self._counts: dict[str, int] = {}
        self._counted_at = -_SECONDS_A_COUNT_LASTS

    def describe(self) -> Iterable[Metric]:
        """Name the metrics, so that registering them counts nothing."""
        yield GaugeMetricFamily("gallery_galleries", "Galleries kept.")
        yield GaugeMetricFamily("gallery_identities", "Identities enrolled.", labels=["gallery"])

    def collect(self) -> Iterable[Metric]:
        """Count, in the thread that answers the scrape; where the store fails nothing is told: health says why."""
        if time.monotonic() - self._counted_at >= _SECONDS_A_COUNT_LASTS:
            counting = asyncio.run_coroutine_threadsafe(self._count(), self._loop)
            try:
                self._counts = counting.result(_SECONDS_TO_COUNT)
            except (GalleryError, TimeoutError, CancelledError):
                counting.cancel()
                return
            self._counted_at = time.monotonic()
        galleries, identities = self.describe()
        assert isinstance(galleries, GaugeMetricFamily) and isinstance(identities, GaugeMetricFamily)
        galleries.add_metric([], len(self._counts))
        totals: Counter[str] = Counter()
        for gallery_id, count in self._counts.items():
            totals[self._name_of(gallery_id)] += count
        for name, count in totals.items():
            identities.add_metric([name], count)
        yield from (galleries, identities)

    async def _count(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        after = ""
        while galleries := await self._store.list_galleries(after=after, limit=_AT_ONCE):
            for gallery in galleries:
                counts[gallery.gallery_id] = await self._store.count_identities(gallery.gallery_id)
            after = galleries[-1].gallery_id
        return counts
