"""Reading the log: its entries in order, all or some."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gallery.audit.entries import Entry, entry_of
from gallery.audit.files import log_files
from gallery.errors import AuditCorrupt


@dataclass(frozen=True, slots=True)
class Where:
    """Which entries: those that fit all that is given.

    ``detail`` is the value of any detail, such as a receipt's id; ``until`` is exclusive.
    """

    call: str | None = None
    who: str | None = None
    gallery_id: str | None = None
    identity_id: str | None = None
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    detail: str | None = None

    def fits(self, entry: Entry) -> bool:
        """Say whether an entry is one of them."""
        event = entry.event
        asked = (
            (self.call, event.call),
            (self.who, event.who),
            (self.gallery_id, event.gallery_id),
            (self.code, event.code),
        )
        return (
            all(wanted is None or wanted == said for wanted, said in asked)
            and (self.identity_id is None or self.identity_id in event.identity_ids)
            and (self.since is None or entry.time >= self.since)
            and (self.until is None or entry.time < self.until)
            and (self.detail is None or self.detail in map(str, event.details.values()))
        )


def find(folder: Path, where: Where = Where()) -> Iterator[Entry]:
    """Walk the entries, oldest first; raises AuditCorrupt at a line that does not hold its own hash.

    Whether lines are missing or out of order is `verify`'s to say. A line that is still being written is left out.
    """
    for file in log_files(folder):
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    entry = entry_of(line[:-1])
                except ValueError as error:
                    raise AuditCorrupt(f"line {number} of {file} was changed: {error}") from error
                if where.fits(entry):
                    yield entry
