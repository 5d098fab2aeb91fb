"""Refusals become statuses in one place."""

import logging
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, TypeAlias

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from gallery.errors import GalleryError, Overloaded
from gallery.telemetry import request_ids
from gallery.wire.status import status_of

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_log = logging.getLogger(__name__)


class refusals(AbstractAsyncContextManager[None]):  # noqa: N801  # as contextlib.suppress is named
    """End the call with the status of whatever the use case raises; what nobody foresaw tells the caller nothing.

    A generator would cost several times as much, several times a call.
    """

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, GalleryError):
            status = rpc_status.to_status(told(error))
            metadata = [*(self._context.trailing_metadata() or ()), *status.trailing_metadata]
            if isinstance(error, Overloaded):  # gRPC's own retries wait as long as this says
                metadata.append(("grpc-retry-pushback-ms", str(int(error.retry_after * 1000) + 1)))
            await self._context.abort(status.code, status.details, tuple(metadata))
        elif isinstance(error, Exception):
            await self._context.abort(grpc.StatusCode.INTERNAL, unforeseen())


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
