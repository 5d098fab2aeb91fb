"""The report file: JSON lines, one for each row as it is answered, only ever appended to.

A run begins with a line that says which gallery it fills, and ends with its summary. A run that is given the report
of an earlier one leaves out what that has enrolled into the same gallery. A torn line, the last of a run that was
killed, is passed over.
"""

import fcntl
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

import typer

from gallery.cli.bulk.outcome import Outcome, Result
from gallery.cli.bulk.row import Row
from gallery.cli.output import plain
from gallery.domain import Gallery
from gallery.errors import InvalidRequest

_BEGIN = b'{"event": "begin"'
_DONE = (Result.CREATED, Result.KNOWN)


class Report:
    """A report file that is written to, or none."""

    def __init__(self, path: Path | None) -> None:
        """Open the file to append to it; one that is no report, or that another run is writing, is a usage error."""
        self._path = path
        self._file = None if path is None else _opened(path)
        self._broken = False

    def enrolled(self, gallery: Gallery) -> Iterator[UUID]:
        """Name the templates that earlier runs say are enrolled into this very gallery."""
        own = False
        for line in self._lines():
            if line.get("event") == "begin":
                own = line.get("gallery") == _named(gallery)
            elif own and line.get("result") in _DONE:
                yield UUID(line["template_id"])

    def begin(self, gallery: Gallery) -> None:
        """Write that a run begins; a torn last line is ended first."""
        if self._file is not None and self._file.seek(0, 2):
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")
        self._write({"event": "begin", "gallery": _named(gallery), "at": datetime.now(UTC)})

    def tell(self, outcome: Outcome) -> None:
        """Write what became of a row, unless it is written here already."""
        if outcome.result is Result.SKIPPED:
            return
        row, error = outcome.row, outcome.error
        line: dict[str, Any] = {"event": "row", "source": row.source, "result": outcome.result}
        if isinstance(row, Row):
            line |= {"path": row.path, "identity": row.identity_id}
            if row.region is not None:
                line["box"] = [row.region.x, row.region.y, row.region.width, row.region.height]
        if outcome.template_id is not None:
            line["template_id"] = outcome.template_id
        if error is not None:
            line |= {"reason": error.reason, "message": str(error)}
        if outcome.conflicts:
            line["conflicts"] = outcome.conflicts
        self._write(line)

    def end(self, summary: dict[str, Any]) -> None:
        """Write a run's summary."""
        self._write({"event": "end", **summary})

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is None or self._broken:
            return
        try:
            self._file.write(json.dumps(plain(line)).encode() + b"\n")
        except OSError as error:
            self._broken = True
            raise InvalidRequest(
                f"the report {self._path} cannot be written ({error.strerror})",
                remedy="make room for it; then the same command goes on",
            ) from error

    def _lines(self) -> Iterator[dict[str, Any]]:
        if self._path is None:
            return
        with self._path.open("rb") as file:
            for text in file:
                try:
                    line = json.loads(text)
                except ValueError:
                    continue
                if isinstance(line, dict):
                    yield line


def _named(gallery: Gallery) -> dict[str, str]:
    """Name a gallery by more than its id, so that a later one of the same id is not taken for it."""
    return {"id": gallery.gallery_id, "created_at": gallery.created_at.isoformat(), "model": gallery.model_digest}


def _opened(path: Path) -> FileIO:
    try:
        file = path.open("a+b", buffering=0)  # what was told survives a kill of this process
    except OSError as error:
        raise typer.BadParameter(f"'{path}' cannot be written ({error.strerror})", param_hint="--report") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.seek(0)
        if _BEGIN.startswith(file.read(len(_BEGIN))):
            return file
        problem = f"'{path}' is no report; nothing is written to it"
    except BlockingIOError:
        problem = f"another run is writing '{path}'"
    file.close()
    raise typer.BadParameter(problem, param_hint="--report")
