"""OpenTelemetry: a span for each call, with one for each stage inside, as part of the caller's trace if it has one.

A span says which method, how it ended and how long it took; nothing of who was asked about. Needs the extra
``[tracing]``, so only `assembled` imports this, and only when traces are wanted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from gallery.telemetry import request_ids
from gallery.telemetry.calls import SERIOUS, Ended
from gallery.telemetry.watched import Watch

SERVICE = "identity-gallery"


class Tracing:
    """A listener to calls and a watch over stages, in front of another watch."""

    def __init__(self, provider: TracerProvider, watch: Watch) -> None:
        self._tracer = provider.get_tracer("gallery")
        self._watch = watch

    def began(self, method: str, context: Any) -> None:
        """Begin the call's span for the rest of its task; a task answers one call, so nothing has to be reset."""
        sent = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        service, _, name = method.strip("/").partition("/")
        span = self._tracer.start_span(
            method.strip("/"),
            propagate.extract(sent),
            trace.SpanKind.SERVER,
            {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name, "request.id": request_ids.current()},
        )
        contexts.attach(trace.set_span_in_context(span))

    def ended(self, call: Ended) -> None:
        """End the call's span."""
        span = trace.get_current_span()
        span.set_attribute("rpc.grpc.status_code", call.code.value[0])
        if call.code in SERIOUS:
            span.set_status(trace.StatusCode.ERROR, call.code.name)
        span.end()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Make a span of the block, inside the call's."""
        with self._tracer.start_as_current_span(name, record_exception=False), self._watch.stage(name):
            yield

    def took(self, stage: str, seconds: float) -> None:
        """Pass it on: it was in a worker, outside of the call's task."""
        self._watch.took(stage, seconds)

    def embedded(self, people: int) -> None:
        """Pass it on."""
        self._watch.embedded(people)


def provider_to(endpoint: str, share: float) -> TracerProvider:
    """Make what sends ``share`` (0 to 1) of the traces begun here to an OTLP collector, by gRPC.

    A call that is part of a caller's trace is sent if that is.
    """
    provider = TracerProvider(
        resource=Resource.create({"service.name": SERVICE}),
        sampler=ParentBasedTraceIdRatio(share),
        shutdown_on_exit=False,  # the server does it, after the last call
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    return provider
