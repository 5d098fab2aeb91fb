"""Refusals become statuses in one place."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from gallery.errors import GalleryError, Overloaded
from gallery.telemetry import request_ids
from gallery.wire.status import status_of

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_log = logging.getLogger(__name__)


@asynccontextmanager
async def refusals(context: Context) -> AsyncIterator[None]:
    """End the call with the status of whatever the use case raises; what nobody foresaw tells the caller nothing."""
    try:
        yield
    except GalleryError as error:
        status = rpc_status.to_status(told(error))
        metadata = [*(context.trailing_metadata() or ()), *status.trailing_metadata]
        if isinstance(error, Overloaded):  # gRPC's own retries wait as long as this says
            metadata.append(("grpc-retry-pushback-ms", str(int(error.retry_after * 1000) + 1)))
        await context.abort(status.code, status.details, tuple(metadata))
    except Exception:
        await context.abort(grpc.StatusCode.INTERNAL, unforeseen())


def told(error: GalleryError) -> status_pb2.Status:
    """Write a refusal; what only the operator may know of it is in the log."""
    if error.told != str(error):
        _log.error("%s: %s", error.reason, error)
    return status_of(error)


def unforeseen() -> str:
    """Log the exception that is being handled, and say where to find it."""
    reference = request_ids.current()
    _log.exception("unforeseen error in the call %s", reference)
    return f"an error nobody foresaw; the server's log has it under {reference}"
