"""The ledger of erasures as a file beside the galleries: a line an entry, appended and synced, never changed.

A line is 16 hex digits of the entry's SHA-256, a blank and the entry as JSON. A last line without its end is what a
crash left of an entry that was not acknowledged; any other damage is said.
"""

import hashlib
import json
import os
from pathlib import Path

from gallery.domain import LedgerEntry
from gallery.edge_store.messages import ListErasures, RecordErasures
from gallery.errors import StoreCorrupt
from gallery.records import entry_of_record, record_of_entry

_DIGITS = 16


class LedgerFile:
    """The ledger of one store folder, used by the process that holds the folder's lock."""

    def __init__(self, store: Path) -> None:
        self._path = store / "erasures.jsonl"
        self._size: int | None = None  # of the whole lines, once it is known

    def record(self, request: RecordErasures) -> None:
        """Append entries; on disk when it returns."""
        lines = b"".join(_line(entry) for entry in request.entries)
        size = len(self._whole()) if self._size is None else self._size
        created = not self._path.exists()
        self._size = None  # what a failed write leaves is looked at anew
        with self._path.open("ab") as file:
            file.truncate(size)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        if created:
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        self._size = size + len(lines)

    def list(self, request: ListErasures) -> list[LedgerEntry]:
        """Read a gallery's entries, oldest first; raises StoreCorrupt."""
        lines = self._whole().splitlines()
        entries = {entry.entry_id: entry for entry in map(self._entry, range(len(lines)), lines)}
        return [entry for entry in entries.values() if entry.gallery_id == request.gallery_id]

    def _whole(self) -> bytes:
        content = self._path.read_bytes() if self._path.exists() else b""
        end = content.rfind(b"\n") + 1
        seal, _, record = content[end:].partition(b" ")
        if seal and seal == _seal(record[:-1]):  # whole, and then something else than its end
            raise self._damaged(content.count(b"\n") + 1)
        return content[:end]

    def _damaged(self, line: int) -> StoreCorrupt:
        return StoreCorrupt(
            f"line {line} of {self._path} is damaged",
            expected="the ledger of erasures as it was written",
            remedy="restore the file from a copy: without it a restored backup could bring erased people back",
        )

    def _entry(self, number: int, line: bytes) -> LedgerEntry:
        seal, _, record = line.partition(b" ")
        if seal != _seal(record):
            raise self._damaged(number + 1)
        return entry_of_record(json.loads(record), f"line {number + 1} of {self._path}")


def _line(entry: LedgerEntry) -> bytes:
    record = json.dumps(record_of_entry(entry)).encode()
    return _seal(record) + b" " + record + b"\n"


def _seal(record: bytes) -> bytes:
    return hashlib.sha256(record).hexdigest()[:_DIGITS].encode()
