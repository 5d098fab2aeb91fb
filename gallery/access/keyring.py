"""The keys as a running server has them: in memory, and read again when the file has changed."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from gallery.access.buckets import TokenBucket
from gallery.access.caller import Caller, caller_of
from gallery.access.key_file import KeyFile, Stamp
from gallery.access.keys import Key, digest_of, id_of
from gallery.errors import InvalidParameter, KeyEnded, Unauthenticated

_log = logging.getLogger(__name__)


class Keyring:
    """Tells callers by their tokens. No call touches the disk: `refresh` does, now and then."""

    def __init__(self, file: KeyFile, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Read the keys; raises InvalidParameter when the file cannot be read or trusted."""
        self._file = file
        self._clock = clock
        self._callers: dict[str, Caller] = {}
        self._stamp: Stamp | None = file.stamp()
        self._take(file.read())

    def caller(self, token: str) -> Caller:
        """Tell whose token it is; raises Unauthenticated, KeyEnded.

        Neither the answer nor its time tells an unknown id from a wrong secret. Only its owner is told that a
        key has ended.
        """
        caller = self._callers.get(id_of(token) or "")
        if caller is None or caller.key is None:
            digest_of(token)
            raise _unknown()
        if not caller.key.is_of(token):
            raise _unknown()
        self.check(caller)
        return caller

    def check(self, caller: Caller) -> None:
        """Raise KeyEnded when the caller's key has been revoked or has expired since it was told."""
        known = self._callers.get(caller.who)
        if known is None or known.key is None or known.key.revoked_at is not None:
            raise KeyEnded(f"the API key {caller.who} was revoked", remedy="ask the operator for another")
        expires_at = known.key.expires_at
        if expires_at is not None and self._clock() >= expires_at:
            raise KeyEnded(
                f"the API key {caller.who} expired at {expires_at.isoformat(timespec='seconds')}",
                remedy="ask the operator for another",
            )

    def refresh(self) -> None:
        """Read the file again if it has changed. One that cannot be read changes nothing, and the log says so."""
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            keys = self._file.read()
        except InvalidParameter as error:
            _log.error("the keys stay as they were: %s", error)
            return
        self._take(keys)
        _log.info("read %d keys from %s", len(keys), self._file.path)

    def _take(self, keys: tuple[Key, ...]) -> None:
        self._callers = {key.key_id: caller_of(key, self._bucket(key)) for key in keys}

    def _bucket(self, key: Key) -> TokenBucket | None:
        """Keep a key's bucket as full as it is, unless its limit was changed."""
        if key.rate is None:
            return None
        known = self._callers.get(key.key_id)
        bucket = None if known is None else known.bucket
        same = bucket is not None and (bucket.rate, bucket.burst) == (key.rate, key.burst)
        return bucket if same else TokenBucket(key.rate, key.burst)


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "the API key is not one of this server's",
        expected="a key that `gallery keys create` showed",
    )
