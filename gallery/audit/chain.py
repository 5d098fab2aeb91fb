"""The end of the chain on disk: opened by one writer, mended where a crash tore it, and written to in batches."""

import fcntl
import hashlib
import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path

from gallery.audit.entries import GENESIS, Detail, Event, entry_of, line_of
from gallery.audit.files import Head, index_of, last_line, log_file, log_files, read_head, write_head
from gallery.errors import AuditCorrupt, AuditUnavailable

REPAIRED = "audit.repaired"


class Chain:
    """The log's last file, open for appending; not for several threads.

    Raises AuditUnavailable when the folder cannot be written or another server writes it, AuditCorrupt when its end
    is not what was last written.
    """

    def __init__(self, folder: Path, *, file_bytes: int, now: datetime) -> None:
        self._folder = folder
        self._file_bytes = file_bytes
        self._torn = False
        self._head = Head(0, GENESIS)
        with ExitStack() as undone:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock = _locked(folder)
                undone.callback(os.close, self._lock)
                torn = self._find_the_end()
                files = log_files(folder)
                self._open(index_of(files[-1]) if files else 1)
                if torn:
                    about: dict[str, Detail] = {
                        "torn_bytes": len(torn),
                        "torn_sha256": hashlib.sha256(torn).hexdigest(),
                    }
                    self.write([(Event(REPAIRED, "server", details=about), now)])
            except OSError as error:
                raise AuditUnavailable(
                    f"the audit log in {folder} cannot be opened ({error.strerror})",
                    expected="a folder that this user can write to and no other server writes to",
                ) from error
            undone.pop_all()

    @property
    def head(self) -> Head:
        """The last line."""
        return self._head

    def write(self, batch: Sequence[tuple[Event, datetime]]) -> None:
        """Write the events and have them on disk; raises OSError, and then nothing of them is in the log."""
        number, digest, lines = self._head.number, self._head.hash, []
        for event, time in batch:
            number += 1
            line, digest = line_of(event, number, time, digest)
            lines.append(line)
        data = b"".join(lines)
        if self._torn:
            os.ftruncate(self._file, self._size)
        elif self._size and self._size + len(data) > self._file_bytes:
            full = self._file
            self._open(self._index + 1)
            os.close(full)
        self._torn = True
        _write_all(self._file, data)
        os.fsync(self._file)
        self._torn = False
        self._size += len(data)
        self._head = Head(number, digest)
        with suppress(OSError):  # the lines are there: a head that is behind them is none to be missed
            write_head(self._folder, self._head)

    def close(self) -> None:
        """Let another writer have it."""
        os.close(self._file)
        os.close(self._lock)

    def _open(self, index: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(log_file(self._folder, index), flags, 0o600)
        self._index, self._size = index, os.fstat(self._file).st_size
        entries = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(entries)  # a new file's name is on disk before its lines are acknowledged
        finally:
            os.close(entries)

    def _find_the_end(self) -> bytes:
        """Find the last line, cut off what a crash left unfinished behind it, and return that."""
        torn = b""
        for file in reversed(log_files(self._folder)):
            line, rest = last_line(file)
            if rest:
                torn = rest
                os.truncate(file, file.stat().st_size - len(rest))
            if line:
                self._head = _head_of(line, file)
                break
        self._compare_with_noted()
        return torn

    def _compare_with_noted(self) -> None:
        """Refuse a log that is shorter than it was: what is appended would hide that."""
        try:
            noted = read_head(self._folder)
        except ValueError as error:
            raise _corrupt(self._folder, str(error)) from error
        if noted is None:
            if self._head.number:
                raise _corrupt(self._folder, "the head that was kept beside its lines is missing")
            write_head(self._folder, self._head)  # a log without a head is then never a new one
        elif noted.number > self._head.number or (noted.number == self._head.number and noted != self._head):
            raise _corrupt(
                self._folder,
                f"it ends at line {self._head.number}, but line {noted.number} with the hash {noted.hash} was written",
            )


def _head_of(line: bytes, file: Path) -> Head:
    try:
        entry = entry_of(line)
    except ValueError as error:
        raise _corrupt(file, f"of its last line: {error}") from error
    return Head(entry.number, entry.hash)


def _corrupt(where: Path, problem: str) -> AuditCorrupt:
    return AuditCorrupt(
        f"the audit log {where} was changed by another hand: {problem}",
        remedy="`gallery audit verify` says where; keep the folder as it is, and name another by --audit",
    )


def _locked(folder: Path) -> int:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
