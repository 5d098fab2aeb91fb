"""Who is in a gallery, remembered: naming all takes the server a while, and every answer needs their number."""

import time
from collections.abc import Iterable

_LEAST = 1.0
_SHARE = 20.0


class Census:
    """The names of a gallery's identities as they were counted, kept up with this store's own writes.

    What others have written since is not in it, so it is good for a second, or for twenty times as long as it took
    to make if that is longer: counting takes at most a twentieth of the time.
    """

    def __init__(self, names: Iterable[str], begun: float) -> None:
        """Remember ``names``, asked for at the monotonic time ``begun`` and just answered."""
        now = time.monotonic()
        self._names = set(names)
        self._end = now + max(_LEAST, _SHARE * (now - begun))

    @property
    def good(self) -> bool:
        """Whether it need not be made anew yet."""
        return time.monotonic() < self._end

    def __len__(self) -> int:
        """Count the identities."""
        return len(self._names)

    def add(self, names: Iterable[str]) -> None:
        """Note identities that have a template now."""
        self._names.update(names)

    def discard(self, name: str) -> None:
        """Note an identity that has none any more."""
        self._names.discard(name)
