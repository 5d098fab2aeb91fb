"""Reading a manifest: one row a person in a picture, as CSV with a header or as JSON lines.

Columns: ``path`` (relative to the manifest, or absolute) and ``identity`` are needed; ``camera`` and
``moment`` are optional; ``box`` is optional, ``x y width height`` in pixels (JSON: a list of four numbers).
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from export.data.dataset import Dataset, Problem, Sample
from export.errors import InvalidData
from gallery.domain import Region
from gallery.errors import InvalidRegion

SUFFIXES = frozenset({".csv", ".jsonl"})


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
    with path.open(encoding="utf-8-sig", newline="") as lines:
        if path.suffix.lower() == ".csv":
            reader = csv.DictReader(lines)
            if not {"path", "identity"} <= set(reader.fieldnames or ()):
                raise InvalidData(
                    f"the manifest {path} has the columns {reader.fieldnames}",
                    expected="a header line with at least 'path' and 'identity'",
                )
            for row in reader:
                yield reader.line_num, row
            return
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except json.JSONDecodeError as error:
                raise InvalidData(f"line {number} of {path} is not JSON: {error}") from error
            yield number, row if isinstance(row, dict) else {}


def _sample(row: dict[str, Any], folder: Path) -> Sample:
    name, identity = _text(row.get("path")), _text(row.get("identity"))
    if name is None or identity is None:
        raise ValueError("it names no path or no identity")
    path = folder / name
    if not path.is_file():
        raise ValueError(f"it names {name}, and there is no such file")
    return Sample(path, identity, _text(row.get("camera")), _region(row.get("box")), _text(row.get("moment")))


def _text(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _region(box: object) -> Region | None:
    if box is None or box == "":
        return None
    numbers = box if isinstance(box, list) else str(box).replace(",", " ").split()
    if len(numbers) != 4:
        raise ValueError(f"its box {box!r} is not four numbers: x y width height")
    return Region(*(int(number) for number in numbers))
