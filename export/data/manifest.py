"""Reading a manifest: one row a person in a picture, as CSV with a header or as JSON lines.

Columns: ``path`` (relative to the manifest, or absolute) and ``identity`` are needed; ``camera`` and
``moment`` are optional; ``box`` is optional, ``x y width height`` in pixels (JSON: a list of four numbers).
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from export.data.dataset import Dataset, Problem, Sample
from export.errors import InvalidData
from gallery.domain import Region
from gallery.errors import InvalidRegion

SUFFIXES = frozenset({".csv", ".jsonl"})
_SHOWN = 80  # characters of a value in a problem


def read_manifest(path: Path) -> Dataset:
    """Read every row; a row that names nothing is left out with its line number and the reason."""
    samples, problems = [], []
    for line, row in _rows(path):
        try:
            samples.append(_sample(row, path.parent))
        except (ValueError, InvalidRegion) as error:
            problems.append(Problem(path, f"line {line}: {error}"))
    return Dataset(str(path), "manifest", tuple(samples), tuple(problems))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from _csv_rows(lines, path) if path.suffix.lower() == ".csv" else _json_rows(lines, path)
    except OSError as error:
        raise InvalidData(f"the manifest {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidData(
            f"the manifest {path} is no table of text: {error}",
            expected="UTF-8, as CSV with a header or as JSON lines",
            remedy="save it again as UTF-8, and see that every quote is closed",
        ) from error


def _csv_rows(lines: TextIO, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(lines)
    if not {"path", "identity"} <= set(reader.fieldnames or ()):
        raise InvalidData(
            f"the manifest {path} has the columns {', '.join(reader.fieldnames or ()) or '(none)'}",
            expected="a header line with at least 'path' and 'identity'",
        )
    for row in reader:
        yield reader.line_num, row


def _json_rows(lines: TextIO, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidData(
                f"line {number} of {path} is not JSON: {error}",
                expected='an object a line, such as {"path": "a.jpg", "identity": "anna"}',
            ) from error
        yield number, row if isinstance(row, dict) else {}


def _sample(row: dict[str, Any], folder: Path) -> Sample:
    name, identity = _text(row, "path"), _text(row, "identity")
    if name is None or identity is None:
        raise ValueError("it names no path or no identity")
    path = folder / name
    if not _is_file(path):
        raise ValueError(f"it names {_short(name)}, and there is no such file")
    return Sample(path, identity, _text(row, "camera"), _region(row.get("box")), _text(row, "moment"))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, or a folder that is not ours
        return False


def _text(row: dict[str, Any], column: str) -> str | None:
    value = row.get(column)
    if value is None:
        return None
    if isinstance(value, bool | float | list | dict):
        raise ValueError(f"its {column} {_short(value)} is no text")
    text = str(value).strip()
    if not text.isprintable():
        raise ValueError(f"its {column} {_short(text)} has characters that cannot be printed")
    return text or None


def _region(box: object) -> Region | None:
    if box is None or box == "":
        return None
    numbers = box if isinstance(box, list) else str(box).replace(",", " ").split()
    try:
        x, y, width, height = map(float, numbers)
        return Region(_whole(x), _whole(y), _whole(width), _whole(height))
    except (TypeError, ValueError):
        raise ValueError(f"its box {_short(box)} is not four whole numbers of pixels: x y width height") from None


def _whole(number: float) -> int:
    if not number.is_integer():  # so are NaN and the infinite
        raise ValueError
    return int(number)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
