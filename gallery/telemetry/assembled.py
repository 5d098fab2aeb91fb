"""The parts of telemetry put together by the settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gallery.errors import InvalidParameter
from gallery.settings import Settings
from gallery.telemetry.calls import CallListener, CallLog
from gallery.telemetry.metrics import Metrics
from gallery.telemetry.watched import Watch


@dataclass(frozen=True)
class Telemetry:
    """What a server reports to: who is told of calls, what watches their stages, and the metrics of both."""

    metrics: Metrics
    watch: Watch
    listeners: tuple[CallListener, ...]


@asynccontextmanager
async def telemetry_of(settings: Settings) -> AsyncIterator[Telemetry]:
    """Count always; trace where the settings name a collector, and send what is left at the end.

    Raises InvalidParameter when traces are wanted and OpenTelemetry is missing.
    """
    metrics, log = Metrics(), CallLog()
    if settings.trace_endpoint is None:
        yield Telemetry(metrics, metrics, (metrics, log))
        return
    try:
        from gallery.telemetry.tracing import Tracing, provider_to
    except ImportError as error:
        raise InvalidParameter(
            f"traces need OpenTelemetry, which is not installed ({error})",
            remedy="pip install 'identity-gallery[tracing]', or leave --trace-endpoint out",
        ) from error
    provider = provider_to(settings.trace_endpoint, settings.trace_share)
    tracing = Tracing(provider, metrics)
    try:
        yield Telemetry(metrics, tracing, (metrics, tracing, log))
    finally:
        await asyncio.to_thread(provider.shutdown)
