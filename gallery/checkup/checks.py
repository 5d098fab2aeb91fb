"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands: WARNING works, but not as it should."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, how it stands, what was found, and what to do where that is not good."""

    name: str
    state: State
    found: str
    remedy: str = ""


def good(name: str, found: str) -> Check:
    """Make a check that passed."""
    return Check(name, State.GOOD, found)


def warning(name: str, found: str, remedy: str) -> Check:
    """Make a check that passed, with something that should be mended."""
    return Check(name, State.WARNING, found, remedy)


def bad(name: str, found: str, remedy: str) -> Check:
    """Make a check that failed."""
    return Check(name, State.BAD, found, remedy)
