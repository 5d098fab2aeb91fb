"""What a client makes of gRPC's own words for a call that failed."""

import grpc
import pytest

from gallery.client.failures import failure_of
from gallery.errors import CallFailed, GalleryError, ServerUnavailable


@pytest.mark.parametrize(
    ("details", "kind"), [("Internal error from Core", ServerUnavailable), ("the worker failed", CallFailed)]
)
def test_a_stream_whose_end_was_lost_is_a_broken_connection(details: str, kind: type[GalleryError]) -> None:
    error = grpc.aio.AioRpcError(grpc.StatusCode.INTERNAL, grpc.aio.Metadata(), grpc.aio.Metadata(), details)
    assert type(failure_of(error, "localhost:1", 1.0)) is kind
