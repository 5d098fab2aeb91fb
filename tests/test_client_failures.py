"""What a client makes of gRPC's own words for a call that failed."""

import grpc
import pytest

from gallery.client.failures import failure_of
from gallery.errors import CallFailed, GalleryError, ServerUnavailable


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        (grpc.StatusCode.INTERNAL, "Internal error from Core", ServerUnavailable),
        (grpc.StatusCode.CANCELLED, "CANCELLED", ServerUnavailable),
        (grpc.StatusCode.INTERNAL, "the worker failed", CallFailed),
    ],
)
def test_a_call_that_was_ended_without_a_word_is_a_broken_connection(
    code: grpc.StatusCode, details: str, kind: type[GalleryError]
) -> None:
    error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)
    assert type(failure_of(error, "localhost:1", 1.0)) is kind
