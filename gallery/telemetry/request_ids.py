"""The id that a call is known by: the caller's own, or one made here. It stands in logs, refusals and the answer."""

import re
import uuid
from collections.abc import Iterable
from contextvars import ContextVar

KEY = "x-request-id"

_ACCEPTED = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

_current: ContextVar[str] = ContextVar("gallery_request_id", default="")


def current() -> str:
    """Return the id of the call that is being answered, empty outside of one."""
    return _current.get()


def begin(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """Take the caller's id from the metadata, or make one, for all that this task goes on to do.

    One that is long, or has characters that a log line should not have, is replaced.
    """
    sent = next((value for key, value in metadata if key == KEY), None)
    request_id = sent if isinstance(sent, str) and _ACCEPTED.fullmatch(sent) else uuid.uuid4().hex
    _current.set(request_id)
    return request_id
