"""Manifests: CSV with a heading, or JSON lines, read a row at a time, however many there are and however bad.

Columns or keys: ``path`` (relative to the manifest) and ``identity``, and where they are known ``camera``,
``captured_at`` (ISO 8601), ``labels`` and ``box``. In JSON, labels are an object and a box is [x, y, width, height];
in CSV, ``name=value;name=value`` and ``x,y,width,height`` in quotes.
"""

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gallery.cli.bulk.row import BadRow, Row
from gallery.domain import Context, Region
from gallery.errors import GalleryError, InvalidRequest

CSV = (".csv",)
JSON_LINES = (".jsonl", ".ndjson")

_LONGEST_LINE = 2**17  # characters; no row of a manifest needs as many, and one must not fill the memory
_NEEDED = ("path", "identity")


class _Record(BaseModel):
    """A row as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1)
    identity: str
    camera: str | None = None
    captured_at: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    box: tuple[int, int, int, int] | None = None


def rows_of_json_lines(file: BinaryIO, name: str, base: Path) -> Iterator[Row | BadRow]:
    """Read an object a line; empty lines are passed over."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        source = f"{name}:{number}"
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            _skip_line(file)
            yield _bad(source, f"the line is longer than {_LONGEST_LINE} bytes")
        elif line.strip():
            try:
                yield _row(json.loads(line), source, base)
            except (ValueError, RecursionError) as error:
                yield _bad(source, f"the line is no JSON ({error})")


def rows_of_csv(file: BinaryIO, name: str, base: Path) -> Iterator[Row | BadRow]:
    """Read a row a record, under a heading that names the columns; raises InvalidRequest for another heading."""
    text = TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _rows_of_text(text, name, base)
    finally:
        text.detach()  # it would close the file, which is not its own


def _rows_of_text(text: TextIOWrapper, name: str, base: Path) -> Iterator[Row | BadRow]:
    reader = csv.reader(iter(lambda: text.readline(_LONGEST_LINE), ""))
    columns = _columns(reader, name)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield _bad(f"{name}:{reader.line_num}", f"the row is no CSV ({error})")
            continue
        if cells is None:
            return
        source = f"{name}:{reader.line_num}"
        if not cells:
            continue
        if not _is_unicode(cells):
            yield _bad(source, "the row has bytes that are no UTF-8", expected="a manifest saved as UTF-8")
            continue
        if len(cells) != len(columns):
            yield _bad(source, f"the row has {len(cells)} cells", expected=f"{len(columns)}, as many as the heading")
            continue
        try:
            yield _row(_read_cells(dict(zip(columns, cells, strict=True))), source, base)
        except ValueError as error:
            yield _bad(source, str(error))


def _columns(reader: Any, name: str) -> list[str]:
    try:
        columns = [column.strip() for column in next(reader, [])]
    except csv.Error:
        columns = []
    unknown = [column for column in columns if column not in _Record.model_fields]
    missing = [column for column in _NEEDED if column not in columns]
    if unknown or missing or len(set(columns)) < len(columns):
        raise InvalidRequest(
            f"the heading of {name} cannot be used ({', '.join(columns)[:200] or 'there is none'})",
            expected="path, identity and, where known, camera, captured_at, labels and box, with commas between",
        )
    return columns


def _is_unicode(cells: list[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_cells(cells: dict[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = {column: cell for column, cell in cells.items() if cell or column in _NEEDED}
    if "labels" in record:
        pairs = [pair.partition("=") for pair in record["labels"].split(";") if pair]
        if not all(equals for _, equals, _ in pairs):
            raise ValueError(f"the labels {record['labels'][:80]!r} are not name=value;name=value")
        record["labels"] = {name: value for name, _, value in pairs}
    if "box" in record:
        record["box"] = record["box"].split(",")
    return record


def _row(record: object, source: str, base: Path) -> Row | BadRow:
    try:
        known = _Record.model_validate(record)
        captured_at = None if known.captured_at is None else known.captured_at.astimezone()  # a naive one is local
        return Row(
            source,
            base / known.path,
            known.identity,
            None if known.box is None else Region(*known.box),
            Context.of(known.camera, captured_at, known.labels),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return _bad(source, f"{'.'.join(map(str, first['loc'])) or 'the row'}: {first['msg']}")
    except GalleryError as error:
        return BadRow(source, error)
    except (OverflowError, OSError) as error:
        return _bad(source, f"captured_at: {error}")


def _bad(source: str, problem: str, *, expected: str = "") -> BadRow:
    return BadRow(source, InvalidRequest(problem, expected=expected))


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass
