"""Metrics that are read when Prometheus asks: the queue, the workers, and the health of each part."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gallery.domain import Lane


class Load(Protocol):
    """What a scheduler says of itself."""

    @property
    def waiting(self) -> Mapping[Lane, int]:
        """How many images wait in each lane."""

    @property
    def workers(self) -> int:
        """How many threads can work."""

    @property
    def busy(self) -> int:
        """How many do."""

    @property
    def hung(self) -> int:
        """How many were given up and have not come back."""

    @property
    def replaced(self) -> int:
        """How many ever were given up or died."""


class LoadGauges(Collector):
    """How busy the workers are."""

    def __init__(self, load: Callable[[], Load]) -> None:
        self._load = load

    def collect(self) -> Iterable[Metric]:
        """Ask the scheduler, in the thread that answers the scrape."""
        load = self._load()
        queue = GaugeMetricFamily("gallery_queue_length", "Images that wait for a worker.", labels=["lane"])
        for lane, count in load.waiting.items():
            queue.add_metric([lane], count)
        workers = GaugeMetricFamily("gallery_workers", "Workers, by what they are at.", labels=["state"])
        for state, count in (("busy", load.busy), ("idle", load.workers - load.busy), ("hung", load.hung)):
            workers.add_metric([state], count)
        yield from (queue, workers)
        yield CounterMetricFamily("gallery_workers_replaced", "Workers that hung or died.", value=load.replaced)


class HealthGauges(Collector):
    """Which parts are seen to work."""

    def __init__(self, parts: Iterable[str], troubles: Callable[[], Mapping[str, str]]) -> None:
        self._parts = tuple(parts)
        self._troubles = troubles

    def collect(self) -> Iterable[Metric]:
        """Ask what was seen last."""
        troubles = self._troubles()
        family = GaugeMetricFamily("gallery_serving", "Whether the part was seen to work: 1 or 0.", labels=["part"])
        for part in self._parts:
            family.add_metric([part], part not in troubles)
        yield family
