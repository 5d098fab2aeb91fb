"""Refusals on the wire: ONE table from the exception tree to canonical codes, read in both directions.

Every refusal carries a google.rpc.ErrorInfo with the class's stable reason; Overloaded adds RetryInfo. The
client reads the reason back into the same class of exception.
"""

from collections.abc import Iterable, Iterator
from typing import cast

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from gallery import errors
from gallery.errors import GalleryError, Overloaded

DOMAIN = "identity-gallery"

# Looked up along the class's ancestors, so a leaf needs a row only where it differs from its parent.
CODES: dict[type[GalleryError], int] = {
    errors.InvalidRequest: code_pb2.INVALID_ARGUMENT,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.GalleryAlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.GalleryChanged: code_pb2.ABORTED,
    errors.EnrolmentConflict: code_pb2.FAILED_PRECONDITION,
    errors.NotEnoughEvidence: code_pb2.FAILED_PRECONDITION,
    errors.ModelMismatch: code_pb2.FAILED_PRECONDITION,
    errors.InvalidModel: code_pb2.FAILED_PRECONDITION,
    errors.Unauthenticated: code_pb2.UNAUTHENTICATED,
    errors.PermissionDenied: code_pb2.PERMISSION_DENIED,
    errors.Overloaded: code_pb2.RESOURCE_EXHAUSTED,
    errors.EmbeddingFailed: code_pb2.INTERNAL,  # not UNAVAILABLE: clients would send what hung one worker to the next
    errors.EmbedderUnavailable: code_pb2.UNAVAILABLE,
    errors.StoreUnavailable: code_pb2.UNAVAILABLE,
    errors.StoreCorrupt: code_pb2.DATA_LOSS,
    errors.SourceUnavailable: code_pb2.UNAVAILABLE,
    errors.AuditUnavailable: code_pb2.UNAVAILABLE,
    errors.AuditCorrupt: code_pb2.DATA_LOSS,
}


def code_of(kind: type[GalleryError]) -> int:
    """Find the canonical code of an exception class."""
    return next((CODES[ancestor] for ancestor in kind.__mro__ if ancestor in CODES), code_pb2.INTERNAL)


def status_of(error: GalleryError) -> status_pb2.Status:
    """Write a refusal as google.rpc.Status with its details."""
    details: list[error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    ]
    if isinstance(error, Overloaded):
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(error.retry_after * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code_of(type(error)), message=error.told, details=packed)


def error_of(status: status_pb2.Status) -> GalleryError | None:
    """Read a refusal back; None when it is not one of the gallery's."""
    info, retry_after = error_details_pb2.ErrorInfo(), 0.0
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        detail.Unpack(info)
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToNanoseconds() / 1e9
    kind = next((kind for kind in subclasses(GalleryError) if kind.reason == info.reason), None)
    if info.domain != DOMAIN or kind is None:
        return None
    if issubclass(kind, Overloaded):
        return kind(status.message, retry_after=retry_after)
    return kind(status.message, **info.metadata)


def code_name(kind: type[GalleryError]) -> str:
    """Name the canonical code of an exception class."""
    return str(code_pb2.Code.Name(code_of(kind)))


def reason_in(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """Read the reason of a refusal out of a call's trailing metadata; empty when it has none."""
    details = next((value for key, value in metadata if key == "grpc-status-details-bin"), b"")
    try:
        error = error_of(status_pb2.Status.FromString(details if isinstance(details, bytes) else b""))
    except DecodeError:
        return ""
    return "" if error is None else error.reason


def error_of_call(call: grpc.RpcError) -> GalleryError | None:
    """Read the refusal that a failed call carries; None when it is not one of the gallery's."""
    status = rpc_status.from_call(cast(grpc.Call, call))
    return None if status is None else error_of(status)


def subclasses(kind: type[GalleryError]) -> Iterator[type[GalleryError]]:
    """Walk the exception tree, the class itself first."""
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)
