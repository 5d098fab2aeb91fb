"""What a line of the audit log says, and how it is chained to the line before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

Detail: TypeAlias = str | int
"""What may be told of a call beside its names: counts, and ids of receipts, templates and changes."""

ADMITTED = "OK"
GENESIS = "0" * 64  # stands for the line before the first

_SEAL = ',"hash":"'
_SEAL_LENGTH = len(_SEAL) + 64 + len('"}')


@dataclass(frozen=True, slots=True)
class Event:
    """Something to be audited.

    ``call``: the RPC, or what the log says of itself. ``who``: the id of an API key, "anonymous", or "server".
    ``code``: the canonical gRPC code by name; ``reason``: the stable reason of a refusal, else empty.
    """

    call: str
    who: str
    gallery_id: str = ""
    identity_ids: tuple[str, ...] = ()
    code: str = ADMITTED
    reason: str = ""
    peer: str = ""
    certificate: str = ""
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place: the ``number`` counts from 1; hashes are SHA-256 in hex."""

    number: int
    time: datetime
    event: Event
    previous: str
    hash: str


def line_of(event: Event, number: int, time: datetime, previous: str) -> tuple[bytes, str]:
    """Write an event as a line, with its newline, and return the line's hash beside it."""
    content: dict[str, Any] = {"number": number, "time": time.isoformat(timespec="microseconds")}
    content |= {name: value for name in _NAMES if (value := getattr(event, name)) or name in ("call", "who")}
    content |= {"details": dict(event.details)} if event.details else {}
    content |= {"previous": previous}
    # ASCII, so that no character of a caller's id can end a line or hide in it
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{text[:-1]}{_SEAL}{digest}"}}\n'.encode(), digest


def entry_of(line: bytes) -> Entry:
    """Read a line, without its newline; raises ValueError when it is none or its hash is not that of its content."""
    content, seal = line[:-_SEAL_LENGTH] + b"}", line[-_SEAL_LENGTH:]
    digest = hashlib.sha256(content).hexdigest()
    if seal != f'{_SEAL}{digest}"}}'.encode():
        raise ValueError("its hash is not that of what it says")
    try:
        fields = json.loads(content)
        number, time, previous = (
            fields.pop("number"),
            datetime.fromisoformat(fields.pop("time")),
            fields.pop("previous"),
        )
        event = Event(**{**fields, "identity_ids": tuple(fields.get("identity_ids", ()))})
        if not (isinstance(number, int) and isinstance(previous, str)):
            raise TypeError("number and hash have other types")
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is no entry ({error})") from error
    return Entry(number, time, event, previous, digest)


_NAMES = ("call", "who", "gallery_id", "identity_ids", "code", "reason", "peer", "certificate")
