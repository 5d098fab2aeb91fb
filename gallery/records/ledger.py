"""An entry of the ledger of erasures as one JSON object."""

import uuid
from typing import Any

from gallery.domain import LedgerEntry
from gallery.errors import StoreCorrupt
from gallery.records.fields import exactly, instant, items, optional, text, timestamp

_FIELDS = ("entry_id", "gallery_id", "recorded_at", "key", "identity", "templates", "moved", "whole_gallery")


def record_of_entry(entry: LedgerEntry) -> dict[str, Any]:
    """Write an entry as a JSON object: moments in RFC 3339, hashes in hex."""
    return {
        "entry_id": str(entry.entry_id),
        "gallery_id": entry.gallery_id,
        "recorded_at": timestamp(entry.recorded_at),
        "key": entry.key,
        "identity": entry.identity,
        "templates": list(entry.templates),
        "moved": [list(pair) for pair in entry.moved],
        "whole_gallery": entry.whole_gallery,
    }


def entry_of_record(record: object, where: str) -> LedgerEntry:
    """Read an entry back; ``where`` names its place in a StoreCorrupt."""
    try:
        values = exactly(record, *_FIELDS)
        bytes.fromhex(text(values["key"]))
        return LedgerEntry(
            entry_id=uuid.UUID(text(values["entry_id"])),
            gallery_id=text(values["gallery_id"]),
            recorded_at=instant(values["recorded_at"]),
            key=text(values["key"]),
            identity=optional(text, values["identity"]),
            templates=tuple(text(each) for each in items(values["templates"])),
            moved=tuple(_pair(each) for each in items(values["moved"])),
            whole_gallery=values["whole_gallery"] is True,
        )
    except (TypeError, ValueError) as error:
        raise StoreCorrupt(
            f"{where} is no entry of the ledger of erasures ({error})",
            expected="what this version of the gallery writes",
            remedy="restore the ledger from a copy: without it a restored backup could bring erased people back",
        ) from error


def _pair(value: object) -> tuple[str, str]:
    before, after = items(value)
    return text(before), text(after)
