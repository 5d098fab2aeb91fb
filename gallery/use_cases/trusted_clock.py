"""A clock for what cannot be taken back: it does not follow a jump ahead before the jump has proved to last."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from gallery.use_cases.base import utc_now

TOLERANCE = timedelta(minutes=5)
"""How far ahead of the time that has passed a clock may get at once: it is set a little now and then."""
PATIENCE = timedelta(hours=1)
"""How long a jump ahead must last."""

_log = logging.getLogger(__name__)


class TrustedClock:
    """The wall clock, except that after a jump ahead it goes on by the time that passes, for an hour.

    A machine that wakes up, or whose clock was behind, looks as if it had jumped too: what is due is then done an hour
    late. A jump back is followed at once, since nothing is done too early by it. The first time read is believed.
    """

    def __init__(self, wall: Callable[[], datetime] = utc_now, steady: Callable[[], float] = monotonic) -> None:
        """``wall`` gives aware times, ``steady`` seconds that only ever pass."""
        self._wall = wall
        self._steady = steady
        self._read_at = steady()
        self._last_wall = self._trusted = wall()
        self._doubted_for: timedelta | None = None

    def __call__(self) -> datetime:
        """Tell the time that may be acted upon."""
        wall, steady = self._wall(), self._steady()
        passed = timedelta(seconds=steady - self._read_at)
        jumped = abs(wall - self._last_wall - passed) > TOLERANCE
        self._read_at, self._last_wall = steady, wall
        expected = self._trusted + passed
        if wall - expected <= TOLERANCE:
            self._doubted_for, self._trusted = None, wall
        elif jumped or self._doubted_for is None:
            _log.warning("the clock jumped ahead from %s to %s: nothing is erased by it for an hour", expected, wall)
            self._doubted_for, self._trusted = timedelta(), expected
        else:
            self._doubted_for += passed
            self._trusted = expected if self._doubted_for < PATIENCE else wall
        return self._trusted
