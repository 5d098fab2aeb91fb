"""The files of an audit log: `audit-000001.jsonl` and on, the head beside them, and a lock for the one writer."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

_HEAD = "head.json"
_READ_FROM_THE_END = 2**20  # more than any line


@dataclass(frozen=True, slots=True)
class Head:
    """The last line known to be on disk."""

    number: int
    hash: str


def log_files(folder: Path) -> list[Path]:
    """List the files of the log, oldest first."""
    return sorted(folder.glob("audit-[0-9]*.jsonl"), key=index_of)


def log_file(folder: Path, index: int) -> Path:
    """Name the file of this index, from 1."""
    return folder / f"audit-{index:06d}.jsonl"


def index_of(file: Path) -> int:
    """Count the files: what comes after the name's dash."""
    return int(file.stem.removeprefix("audit-"))


def read_head(folder: Path) -> Head | None:
    """Read the head; None where there is none; raises ValueError for one that cannot be read."""
    try:
        fields = json.loads((folder / _HEAD).read_bytes())
        return Head(int(fields["number"]), str(fields["hash"]))
    except FileNotFoundError:
        return None
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / _HEAD} is no head of an audit log ({error})") from error


def write_head(folder: Path, head: Head) -> None:
    """Replace the head at once, never by half."""
    fresh = folder / f"{_HEAD}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"number": head.number, "hash": head.hash}, file)
    fresh.replace(folder / _HEAD)


def last_line(file: Path) -> tuple[bytes, bytes]:
    """Return the last whole line, without its newline, and the torn bytes behind it."""
    with file.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _READ_FROM_THE_END))
        whole, newline, torn = log.read().rpartition(b"\n")
    return (whole.rpartition(b"\n")[2], torn) if newline else (b"", torn)
