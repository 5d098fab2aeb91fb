"""An API key: a random token that is shown once, and what is kept of it.

A token is `gk_ID_SECRET`; the id is public and names the key in lists and logs, the secret is 256 random bits. What is
kept is the token's SHA-256. A slow or salted hash protects what people choose, which can be guessed from lists; 256
random bits cannot be guessed at all, and a fast hash keeps a call cheap.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from gallery.access.rules import Role
from gallery.errors import InvalidParameter

_TOKEN = re.compile(r"gk_(?P<id>[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_PATTERN = re.compile(r"[a-z0-9_*-]{1,63}")
_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key.

    ``galleries``: ids, or patterns with ``*`` for any characters. ``rate``: calls a second, None without limit;
    ``burst``: calls at once. ``digest``: SHA-256 of the token, in hex.
    """

    key_id: str
    name: str
    role: Role
    galleries: tuple[str, ...]
    created_at: datetime
    digest: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rate: float | None = None
    burst: int = 1

    def is_of(self, token: str) -> bool:
        """Say whether a token is this key's, in a time that does not tell how much of it was right."""
        return hmac.compare_digest(digest_of(token), self.digest)

    def checked(self) -> "Key":
        """Return the key; raises InvalidParameter for galleries, a limit or a name that it cannot have."""
        if not self.galleries or not all(_PATTERN.fullmatch(pattern) for pattern in self.galleries):
            raise InvalidParameter(
                f"the galleries {', '.join(self.galleries)!r} of a key",
                expected="ids of galleries, or patterns such as 'lobby-*'; '*' alone for all",
            )
        if not 0 < len(self.name) <= _NAME_LENGTH or not self.name.isprintable():
            raise InvalidParameter(f"the name {self.name[:40]!r} of a key", expected="1 to 100 printable characters")
        if self.rate is not None and not 0.0 < self.rate < float("inf"):
            raise InvalidParameter(f"a rate of {self.rate} calls a second", expected="a number above 0")
        if self.burst < 1:
            raise InvalidParameter(f"a burst of {self.burst} calls", expected="at least 1")
        return self


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, with its ``token``, which is kept nowhere."""

    key: Key
    token: str


def new_key(name: str, role: Role, galleries: tuple[str, ...], now: datetime) -> NewKey:
    """Make a key that neither ends nor is limited; raises InvalidParameter."""
    key_id = secrets.token_hex(6)
    token = f"gk_{key_id}_{secrets.token_urlsafe(32)}"
    return NewKey(Key(key_id, name, role, galleries, now, digest_of(token)).checked(), token)


def id_of(token: str) -> str | None:
    """Read the id off a token; None where it has not the form of one."""
    match = _TOKEN.fullmatch(token)
    return match and match["id"]


def digest_of(token: str) -> str:
    """Hash a token: SHA-256, hex."""
    return hashlib.sha256(token.encode()).hexdigest()
