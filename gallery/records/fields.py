"""The values that records are made of, read strictly: TypeError or ValueError says what is wrong with one."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")


def exactly(record: object, *names: str) -> Mapping[str, Any]:
    """Read an object that has these fields and no others."""
    if not isinstance(record, Mapping):
        raise TypeError("it is no object")
    if set(record) != set(names):
        raise ValueError(f"it has the fields {', '.join(sorted(map(str, record))) or '(none)'}")
    return record


def items(value: object) -> Sequence[Any]:
    """Read a list."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r} is no list")
    return value


def optional(read: Callable[[object], T], value: object) -> T | None:
    """Read null as None, and anything else with ``read``."""
    return None if value is None else read(value)


def timestamp(moment: datetime) -> str:
    """Write RFC 3339 in UTC with all six digits, so that the strings sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(value: object) -> datetime:
    """Read a moment, in UTC."""
    moment = datetime.fromisoformat(text(value))
    if moment.tzinfo is None:
        raise ValueError("a time has no zone")
    return moment.astimezone(UTC)


def text(value: object) -> str:
    """Read a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no text")
    return value


def string(value: object) -> str:
    """Read a string, empty or not."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no string")
    return value


def whole(value: object) -> int:
    """Read an integer of at least 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is no count")
    return value


def positive(value: object) -> int:
    """Read an integer of at least 1."""
    if whole(value) == 0:
        raise ValueError("a count is 0")
    return whole(value)


def finite(value: object) -> float:
    """Read a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no number")
    return float(value)
