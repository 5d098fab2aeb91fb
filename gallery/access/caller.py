"""Who calls: an API key, or anybody where no keys are asked for."""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import translate

from gallery.access.buckets import TokenBucket
from gallery.access.keys import Key
from gallery.access.rules import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of a caller. ``who`` is the key's id; ``galleries`` None means all of them."""

    who: str
    role: Role
    galleries: re.Pattern[str] | None = None
    bucket: TokenBucket | None = None
    key: Key | None = None

    def sees(self, gallery_id: str) -> bool:
        """Say whether the caller's key is for this gallery."""
        return self.galleries is None or self.galleries.fullmatch(gallery_id) is not None


ANONYMOUS = Caller("anonymous", Role.ADMIN)

_CURRENT: ContextVar[Caller] = ContextVar("caller")


def caller_of(key: Key, bucket: TokenBucket | None) -> Caller:
    """Make a caller of a key."""
    everything = "*" in key.galleries
    galleries = None if everything else re.compile("|".join(translate(pattern) for pattern in key.galleries))
    return Caller(key.key_id, key.role, galleries, bucket, key)


def call_for(caller: Caller) -> None:
    """Remember the caller for the rest of this task; each call has a task of its own."""
    _CURRENT.set(caller)


def current_caller() -> Caller:
    """Return this call's caller; raises LookupError outside a call, so that nothing is shown to an unknown caller."""
    return _CURRENT.get()
