"""Moments as protobuf timestamps and back."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def timestamp_of(moment: datetime) -> Timestamp:
    """Write an aware moment."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment.astimezone(UTC))
    return timestamp


def moment_of(timestamp: Timestamp) -> datetime:
    """Read a moment, aware, in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)
