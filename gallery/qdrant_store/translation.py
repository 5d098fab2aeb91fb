"""Qdrant's errors as the gallery's: the one table, and which of them are worth another try.

The client talks gRPC only, so nearly all it raises is an AioRpcError with a status code; the other types are
its own checks before a call.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from grpc import StatusCode
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from gallery.errors import GalleryError, StoreCorrupt, StoreUnavailable
from gallery.records import taken_gallery, unknown_gallery

FOREIGN = (grpc.RpcError, grpc.aio.BaseError, QdrantException, ApiException, RuntimeError, ValueError)
"""Whatever the client raises; RuntimeError and ValueError are how it refuses a call before it is made."""

_REACH = "see that the server runs and that its gRPC port (6334 by default) can be reached, then try again"
_AGAIN = "the server is busy: try again after a while"
_KEY = "give the API key of the Qdrant server, one that may write"
_LOGS = "the server's log says more"
_BACKUP = "restore the collection from a snapshot"

TABLE: dict[StatusCode, tuple[type[StoreUnavailable | StoreCorrupt], str]] = {
    StatusCode.UNAVAILABLE: (StoreUnavailable, _REACH),
    StatusCode.DEADLINE_EXCEEDED: (StoreUnavailable, _REACH),
    StatusCode.CANCELLED: (StoreUnavailable, _AGAIN),
    StatusCode.ABORTED: (StoreUnavailable, _AGAIN),
    StatusCode.RESOURCE_EXHAUSTED: (StoreUnavailable, _AGAIN),
    StatusCode.UNAUTHENTICATED: (StoreUnavailable, _KEY),
    StatusCode.PERMISSION_DENIED: (StoreUnavailable, _KEY),
    StatusCode.UNIMPLEMENTED: (StoreUnavailable, "use a newer Qdrant server"),
    StatusCode.INTERNAL: (StoreUnavailable, _LOGS),
    StatusCode.UNKNOWN: (StoreUnavailable, _LOGS),
    StatusCode.FAILED_PRECONDITION: (StoreUnavailable, _LOGS),
    StatusCode.INVALID_ARGUMENT: (StoreCorrupt, "the collection is not one the gallery made; " + _BACKUP),
    StatusCode.OUT_OF_RANGE: (StoreCorrupt, _BACKUP),
    StatusCode.DATA_LOSS: (StoreCorrupt, _BACKUP),
}
"""NOT_FOUND and ALREADY_EXISTS are said of the gallery itself."""


@contextmanager
def translated(gallery_id: str = "") -> Iterator[None]:
    """Raise the client's errors as the gallery's; ``gallery_id`` is whose collection is used."""
    try:
        yield
    except FOREIGN as error:
        raise translation(error, gallery_id) from error


def translation(error: Exception, gallery_id: str) -> GalleryError:
    """Say ``error`` in the gallery's words."""
    if not isinstance(error, grpc.aio.AioRpcError):
        return StoreUnavailable(f"the Qdrant client failed ({error})", remedy=_LOGS)
    code = error.code()
    if code is StatusCode.NOT_FOUND:
        return unknown_gallery(gallery_id)
    if code is StatusCode.ALREADY_EXISTS:
        return taken_gallery(gallery_id)
    kind, remedy = TABLE[code]
    whose = {"gallery_id": gallery_id} if gallery_id else {}
    return kind(f"Qdrant answered {code.name}: {error.details()}", remedy=remedy, **whose)


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed in a moment."""
    return isinstance(error, grpc.aio.AioRpcError) and error.code() is StatusCode.UNAVAILABLE
