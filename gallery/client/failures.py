"""What a failed call means: the gallery's own refusal, or gRPC's status in words that help."""

import grpc

from gallery.errors import CallFailed, DeadlineExceeded, GalleryError, ImageTooLarge, ServerUnavailable
from gallery.wire.status import error_of_call

_HINTS = {
    grpc.StatusCode.UNIMPLEMENTED: "it is no identity gallery, or an older one",
    grpc.StatusCode.INTERNAL: "its log says more",
    grpc.StatusCode.UNAUTHENTICATED: "it wants an API key or a client certificate",
    grpc.StatusCode.PERMISSION_DENIED: "the API key does not allow this",
}


def failure_of(error: grpc.RpcError, address: str, timeout: float) -> GalleryError:
    """Translate the end of a call to the server at ``address`` that had ``timeout`` seconds."""
    refusal = error_of_call(error)
    if refusal is not None:
        return refusal
    code, details = error.code(), error.details() or "no details"
    if code is grpc.StatusCode.UNAVAILABLE or _is_broken_off(code, details):
        return ServerUnavailable(
            f"no answer from a gallery server at {address} ({details})",
            expected="a running server",
            remedy=f"start one with `gallery serve --listen {address}`, or name the address of another",
        )
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(
            f"the server at {address} did not answer within {timeout:g} s",
            remedy="allow more time with the client's timeout, or see whether the server is overloaded",
        )
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return ImageTooLarge(
            f"the request is larger than the server at {address} receives ({details})",
            remedy="send fewer or smaller images at a time",
        )
    hint = _HINTS.get(code, "")
    return CallFailed(f"the call to {address} failed: {code.name}, {details}", remedy=hint)


def _is_broken_off(code: grpc.StatusCode, details: str) -> bool:
    """Whether the server ended a call without a word: its connection broke, or it stopped before it took the call.

    A stopping server resets calls that it has not begun (CANCELLED; a client's own cancellation raises something else).
    grpc.aio may lose the server's reason: a write that met the end of its stream puts its own in the place.
    """
    return code is grpc.StatusCode.CANCELLED or (
        code is grpc.StatusCode.INTERNAL and details == "Internal error from Core"
    )
