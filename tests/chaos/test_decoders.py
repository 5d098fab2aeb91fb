"""Decoders under fire: no damaged picture crashes, hangs, or is answered with pixels that are not its own.

Each batch is decoded by two processes: in opposite orders, after different pictures, and over memory that the one
filled with white and the other with black. A picture whose outcome depended on anything but its own bytes would differ.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import pytest

from tests.chaos.scale import INPUTS

_BATCH = min(INPUTS, 5_000)
_HANGS = 120.0  # seconds for one picture


@contextmanager
def decoding(*words: int) -> Iterator["subprocess.Popen[str]"]:
    """Run the program."""
    command = [sys.executable, "-m", "tests.chaos.decoding", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def outcomes(*words: int) -> dict[int, str]:
    """Read what became of each picture; fails at one that is never done with (killed, it says -9)."""
    found: dict[int, str] = {}
    with decoding(*words) as process:
        assert process.stdout is not None
        while True:
            watchdog = Timer(_HANGS, process.kill)
            watchdog.start()
            line = process.stdout.readline()
            watchdog.cancel()
            if not line:
                break
            number, _, outcome = line.strip().partition(" ")
            assert outcome, f"the picture of number {number} ended the decoder: exit code {process.wait()}"
            assert not outcome.startswith("failed"), f"the picture of number {number} {outcome}"
            found[int(number)] = outcome
        assert process.wait() == 0, f"it ended after the picture of number {max(found, default=None)}"
    return found


@pytest.mark.parametrize("first", range(0, INPUTS, _BATCH))
def test_damaged_pictures_are_refused_or_decoded_from_their_own_bytes_alone(first: int) -> None:
    last = first + _BATCH
    there, back = outcomes(first, last, 1, 255), outcomes(last - 1, first - 1, -1, 0)
    assert len(there) == _BATCH
    assert {number: (there[number], back[number]) for number in there if there[number] != back[number]} == {}
    kinds = Counter(outcome.split()[0] for outcome in there.values())
    assert min(kinds["refused"], kinds["decoded"]) > _BATCH / 10  # both ways were really gone
