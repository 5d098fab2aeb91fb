"""What Prometheus is told. The names, their labels and what they mean; `README.md` and the dashboard rest on them.

A label's values are few: methods, codes, reasons and stages are fixed, and galleries are named up to a hundred, the
rest together. No label and no value says anything about one person.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache

from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from gallery import calibration
from gallery.domain import EVERYTHING, EnrolledTemplate, Gallery, Identification, TemplateFilter, Verification
from gallery.errors import GalleryError
from gallery.telemetry.calls import Ended

OTHERS = "(others)"

_NAMED_GALLERIES = 100
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_DISTANCES = tuple(round(0.05 * step, 2) for step in range(1, 25))
_PEOPLE = (1, 2, 4, 8, 16, 32, 64)
_DETAILS = "grpc-status-details-bin"


class Metrics:
    """The metrics of one server, in a registry of their own: an observer of calls, of decisions and of stages."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._named: set[str] = set()
        requests = self._counter("requests", "Calls answered, by method and gRPC code.", "method", "code")
        request_seconds = self._histogram("request_seconds", "How long calls took, whole.", _SECONDS, "method")
        in_flight = Gauge("gallery_requests_in_flight", "Calls being answered.", ["method"], registry=self.registry)
        self._refusals = self._counter("refusals", "Calls and images refused, by the reason of the refusal.", "reason")
        stages = self._histogram(
            "stage_seconds",
            "How long the stages of a call took: decode, inference, embed (both, and waiting for a worker), search, "
            "lookup, write (until durable), erase (until durable).",
            _SECONDS,
            "stage",
        )
        decisions = self._counter("decisions", "People decided about, by outcome.", "gallery", "operation", "outcome")
        distances = self._histogram(
            "nearest_distance", "Cosine distance of a probe to its nearest identity.", _DISTANCES, "outcome"
        )
        self._enrolments = self._counter("enrolments", "Images enrolled: created now, or known before.", "result")
        self._people = self._histogram("people_per_image", "People embedded together, of one picture.", _PEOPLE)
        self._probes = self._counter("drift_probes", "Probes that the calibration's law speaks of.", "gallery", "among")
        self._near = self._counter(
            "drift_near", "Those of gallery_drift_probes_total that were near.", "gallery", "among"
        )
        self._expected = self._counter(
            "drift_near_expected", "How many of them calibration expects to be near.", "gallery", "among"
        )
        self._about = Gauge(
            "gallery_server_info", "What is served, always 1.", ["version", "model", "digest"], registry=self.registry
        )
        # what every probe counts: remembered, since the library looks labels up under a lock, in 2 µs each
        self._requests, self._request_seconds = cache(requests.labels), cache(request_seconds.labels)
        self._open, self._stages = cache(in_flight.labels), cache(stages.labels)
        self._decisions, self._distances = cache(decisions.labels), cache(distances.labels)

    def about(self, version: str, model: str, digest: str) -> None:
        """Say what is served."""
        self._about.labels(version, model, digest).set(1)

    def began(self, method: str, context: object) -> None:
        """Count a call as open."""
        self._open(_short(method)).inc()

    def ended(self, call: Ended) -> None:
        """Count a call as answered."""
        method = _short(call.method)
        self._open(method).dec()
        self._requests(method, call.code.name).inc()
        self._request_seconds(method).observe(call.seconds)
        if reason := _reason_of(call.context.trailing_metadata() or ()):
            self._refusals.labels(reason).inc()

    def took(self, stage: str, seconds: float) -> None:
        """Add to a stage; from any thread."""
        self._stages(stage).observe(seconds)

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Add what the block takes to a stage."""
        return _Timed(name, self.took)

    def embedded(self, people: int) -> None:
        """Count the people of a picture."""
        self._people.observe(people)

    def decided(self, gallery: Gallery, answer: Identification, where: TemplateFilter) -> None:
        """Count an identification, and what it says of the calibration when it was compared with the whole gallery."""
        name = self.name_of(gallery.gallery_id)
        self._decisions(name, "identify", answer.outcome).inc()
        if answer.candidates:
            self._distances(answer.outcome).observe(answer.candidates[0].distance)
        seen = calibration.sighting(answer, gallery.threshold) if _is_whole(where) else None
        if seen is not None:
            self._probes.labels(name, seen.among).inc()
            self._near.labels(name, seen.among).inc(seen.near)
            self._expected.labels(name, seen.among).inc(seen.expected)

    def verified(self, gallery: Gallery | None, answer: Verification) -> None:
        """Count a verification; without a gallery its label is empty."""
        name = "" if gallery is None else self.name_of(gallery.gallery_id)
        self._decisions(name, "verify", answer.outcome).inc()

    def enrolled(self, template: EnrolledTemplate) -> None:
        """Count an image that is enrolled, now or before."""
        self._enrolments.labels("created" if template.created else "known").inc()

    def refused(self, error: GalleryError) -> None:
        """Count an image that was refused alone, in an enrolment or a stream."""
        self._refusals.labels(error.reason).inc()

    def name_of(self, gallery_id: str) -> str:
        """Give the label of a gallery: its id, or OTHERS after the first hundred."""
        if gallery_id not in self._named:
            if len(self._named) == _NAMED_GALLERIES:
                return OTHERS
            self._named.add(gallery_id)
        return gallery_id

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"gallery_{name}", meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"gallery_{name}", meaning, labels, registry=self.registry, buckets=buckets)


class _Timed(AbstractContextManager[None]):
    """Tells how long its block took; a generator would cost several times as much, several times a probe."""

    __slots__ = ("_begun", "_name", "_took")

    def __init__(self, name: str, took: Callable[[str, float], None]) -> None:
        self._name = name
        self._took = took

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._took(self._name, time.perf_counter() - self._begun)


def _short(method: str) -> str:
    """Name a method without its service: no two of ours share a name."""
    return method.rpartition("/")[2]


def _is_whole(where: TemplateFilter) -> bool:
    return where == EVERYTHING or TemplateFilter(alive_at=where.alive_at) == where


def _reason_of(metadata: Sequence[tuple[str, str | bytes]]) -> str:
    """Read the reason of a refusal from the details that it goes out with."""
    packed = next((value for key, value in metadata if key == _DETAILS), None)
    if not isinstance(packed, bytes):
        return ""
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(packed).details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""
