"""Moments and durations as protobuf has them, and back."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gallery.errors import InvalidParameter


def timestamp_of(moment: datetime) -> Timestamp:
    """Write an aware moment."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment.astimezone(UTC))
    return timestamp


def moment_of(timestamp: Timestamp) -> datetime:
    """Read a moment, aware, in UTC; raises InvalidParameter outside the calendar."""
    try:
        return timestamp.ToDatetime(tzinfo=UTC)
    except ValueError:
        raise InvalidParameter(
            f"{timestamp.seconds} s and {timestamp.nanos} ns are no moment of the calendar",
            expected="seconds since 1970-01-01 in the years 1 to 9999, and 0 to 999,999,999 ns",
        ) from None


def duration_message(duration: timedelta) -> Duration:
    """Write a duration."""
    message = Duration()
    message.FromTimedelta(duration)
    return message


def read_duration(message: Duration) -> timedelta:
    """Read a duration; raises InvalidParameter beyond some 2.7 million years."""
    try:
        return message.ToTimedelta()
    except (OverflowError, ValueError):
        raise InvalidParameter(
            f"{message.seconds} s and {message.nanos} ns are no duration", expected="at most 315,576,000,000 s"
        ) from None
