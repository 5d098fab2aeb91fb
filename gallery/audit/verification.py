"""Whether the log is what was written: every line's hash, the chain over lines and files, and the head."""

from dataclasses import dataclass
from pathlib import Path

from gallery.audit.entries import GENESIS, Entry, entry_of
from gallery.audit.files import log_files, read_head


@dataclass(frozen=True, slots=True)
class Break:
    """Where the log first is not what was written. ``line`` counts from 1 in its file; 0 where no line is left."""

    file: Path
    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: whole lines from ``first`` to ``last`` (0 when there are none), and what breaks them, if any.

    ``head`` is the hash of the last whole line: note it elsewhere, and `verify` can show later that nothing up to it
    was cut off. ``unfinished`` says that a line is being written, or was when the machine failed.
    """

    first: int
    last: int
    head: str
    files: int
    unfinished: bool = False
    broken: Break | None = None


def verify(folder: Path, *, head: str | None = None, pruned: bool = False) -> Verification:
    """Walk the whole log.

    Args:
        folder: of the log.
        head: a hash noted earlier: it must be that of some line. The head kept beside the log is always looked for.
        pruned: accept that the oldest files are gone; the chain then begins at the first line there is.

    """
    walk = _Walk(folder, pruned)
    try:
        kept = read_head(folder)  # before the lines, of which a running server may write more meanwhile
    except ValueError as error:
        return walk.found(Break(folder / "head.json", 0, str(error)))
    wanted = {} if kept is None else {kept.hash: f"line {kept.number}, the head kept beside the log"}
    wanted |= {} if head is None else {head: "the line with the head that you noted"}
    wanted.pop(GENESIS, None)
    if kept is None:
        return walk.found(Break(folder / "head.json", 0, "the head that is kept beside a log is missing"))
    broken = walk.through(wanted)
    if broken is None and wanted:
        broken = Break(walk.file, walk.line, f"{next(iter(wanted.values()))}, is missing")
    return walk.found(broken)


class _Walk:
    def __init__(self, folder: Path, pruned: bool) -> None:
        self.file = folder
        self.line = 0
        self._folder = folder
        self._pruned = pruned
        self._files = 0
        self._first = 0
        self._last: Entry | None = None
        self._unfinished = False

    def through(self, wanted: dict[str, str]) -> Break | None:
        """Take every line, and from ``wanted`` the hashes that are met."""
        for file in log_files(self._folder):
            self.file = file
            self._files += 1
            with file.open("rb") as lines:
                for self.line, line in enumerate(lines, start=1):
                    problem = "lines follow an unfinished one" if self._unfinished else self._problem_of(line)
                    if problem:
                        return Break(self.file, self.line, problem)
                    if self._last is not None:
                        wanted.pop(self._last.hash, None)
        return None

    def _problem_of(self, line: bytes) -> str:
        if not line.endswith(b"\n"):
            self._unfinished = True
            return ""
        try:
            entry = entry_of(line[:-1])
        except ValueError as error:
            return str(error)
        number, previous = (0, GENESIS) if self._last is None else (self._last.number, self._last.hash)
        if self._last is None and self._pruned:
            number, previous = entry.number - 1, entry.previous
        if (entry.number, entry.previous) != (number + 1, previous):
            return f"it is line {entry.number} of the log, where line {number + 1} should follow the one before"
        self._first = self._first or entry.number
        self._last = entry
        return ""

    def found(self, broken: Break | None) -> Verification:
        number, head = (0, GENESIS) if self._last is None else (self._last.number, self._last.hash)
        return Verification(self._first, number, head, self._files, self._unfinished, broken)
