"""Rate limits: a token bucket for each key."""

from collections.abc import Callable
from time import monotonic


class TokenBucket:
    """Fills with ``rate`` tokens a second, up to ``burst``; each call takes one."""

    __slots__ = ("_clock", "_filled_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at = clock()

    def take(self) -> float:
        """Take a token and return 0; where there is none, return the seconds until there is one."""
        self._fill()
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self.rate

    def reserve(self) -> float:
        """Take a token in advance, and return the seconds to wait until it is there."""
        self._fill()
        self._tokens -= 1.0
        return max(0.0, -self._tokens / self.rate)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self.burst), self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
