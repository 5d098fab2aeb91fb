"""Counts of what became of the rows, and the first few of what went wrong: as much as a screen can hold."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from gallery.cli.bulk.outcome import Outcome, Result
from gallery.cli.bulk.row import BadRow, Row
from gallery.cli.bulk.seen import Seen
from gallery.domain import Conflict

_FIRST = 100


@dataclass(frozen=True, slots=True)
class Refused:
    """An image that was not enrolled, and why; where a row could not be read, ``path`` is where it stands."""

    path: str
    identity_id: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Conflicting:
    """An image that was enrolled although it lies nearer to other identities than to its own."""

    path: str
    identity_id: str
    conflicts: tuple[Conflict, ...]


class Tally:
    """What became of all rows so far. ``identities`` counts the people of whom at least one image is enrolled."""

    def __init__(self, gallery_id: str, people: Seen) -> None:
        self.gallery_id = gallery_id
        self.results: Counter[Result] = Counter()
        self.refused_by_reason: Counter[str] = Counter()
        self.conflicting_count = 0
        self.refused: list[Refused] = []
        self.conflicting: list[Conflicting] = []
        self.identities = 0
        self._people = people
        self._begun = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """Count a row."""
        row, error = outcome.row, outcome.error
        self.results[outcome.result] += 1
        path, identity_id = (row.source, "") if isinstance(row, BadRow) else (str(row.path), row.identity_id)
        if isinstance(row, Row) and error is None:
            self.identities += self._people.add(identity_id.encode())
        if error is not None:
            self.refused_by_reason[error.reason] += 1
            if len(self.refused) < _FIRST:
                self.refused.append(Refused(path, identity_id, error.reason, str(error)))
        if outcome.conflicts:
            self.conflicting_count += 1
            if len(self.conflicting) < _FIRST:
                self.conflicting.append(Conflicting(path, identity_id, outcome.conflicts))

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.results.total()

    @property
    def failed(self) -> int:
        """How many rows are not enrolled."""
        return self.results[Result.REFUSED] + self.results[Result.UNAVAILABLE]

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._begun

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / max(self.seconds, 1e-6)

    def counts(self) -> dict[str, Any]:
        """Sum up, in numbers."""
        return {
            "gallery_id": self.gallery_id,
            "identities": self.identities,
            "created": self.results[Result.CREATED],
            "unchanged": self.results[Result.KNOWN],
            "skipped": self.results[Result.SKIPPED],
            "duplicates": self.results[Result.DUPLICATE],
            "refused_count": self.results[Result.REFUSED],
            "unavailable_count": self.results[Result.UNAVAILABLE],
            "refused_by_reason": dict(self.refused_by_reason.most_common()),
            "conflicting_count": self.conflicting_count,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rate, 1),
        }

    def summary(self) -> dict[str, Any]:
        """Sum up, with the first hundred images that were refused or conflict."""
        return {**self.counts(), "refused": self.refused, "conflicting": self.conflicting}
