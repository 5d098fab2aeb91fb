"""What there is to enrol: a row for each image of a person, from a folder, from files, or from a manifest."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

import typer

from gallery.cli.bulk.manifest import CSV, JSON_LINES, rows_of_csv, rows_of_json_lines
from gallery.cli.bulk.row import BadRow, Row
from gallery.cli.pictures import portraits_in
from gallery.domain import Context

STANDARD_INPUT = "-"

Rows: TypeAlias = Iterator[Row | BadRow]


@dataclass(frozen=True, slots=True)
class Sources:
    """What was named on the command line, to be gone through as often as there is need.

    ``context`` holds for every row, as far as the row does not say otherwise.
    """

    openers: tuple[Callable[[], Rows], ...]
    context: Context
    is_repeatable: bool

    def rows(self) -> Rows:
        """Read all rows, one at a time, as they are asked for."""
        for opener in self.openers:
            for row in opener():
                yield row if isinstance(row, BadRow) else replace(row, context=_merged(row.context, self.context))

    def count(self) -> int | None:
        """Count the rows, or return None where they can be read only once."""
        return sum(1 for _ in self.rows()) if self.is_repeatable else None


def sources_of(names: Sequence[str], identity_id: str | None, context: Context) -> Sources:
    """Find out what each name is; what cannot be enrolled from is a usage error."""
    openers = tuple(_opener(name, identity_id) for name in names)
    return Sources(openers, context, STANDARD_INPUT not in names)


def _opener(name: str, identity_id: str | None) -> Callable[[], Rows]:
    path = Path(name)
    if name == STANDARD_INPUT:
        if identity_id is not None:
            raise typer.BadParameter("standard input names its people itself; leave --identity out")
        return lambda: rows_of_json_lines(_standard_input(), "standard input", Path())
    if not path.exists():
        raise typer.BadParameter(f"there is no '{name}'", param_hint="SOURCE…")
    if path.is_dir():
        if identity_id is not None:
            raise typer.BadParameter(f"'{name}' is a folder; with --identity name image files")
        return lambda: (Row(str(each.path), each.path, each.identity_id) for each in portraits_in(path))
    suffix = path.suffix.lower()
    if identity_id is not None:
        if suffix in (*CSV, *JSON_LINES):
            raise typer.BadParameter(f"'{name}' is a manifest, which names its people itself; leave --identity out")
        return lambda: iter([Row(name, path, identity_id)])
    if suffix in CSV:
        return lambda: _of_file(path, rows_of_csv)
    if suffix in JSON_LINES:
        return lambda: _of_file(path, rows_of_json_lines)
    raise typer.BadParameter(
        f"say by --identity whose image '{name}' is, or name a folder of people or a manifest (.csv or .jsonl)"
    )


def _standard_input() -> BinaryIO:
    """Open it anew: at its end the interpreter takes sys.stdin's lock, which a thread that still reads would hold."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except OSError:  # it is no file
        return sys.stdin.buffer


def _of_file(path: Path, read: Callable[..., Rows]) -> Rows:
    with path.open("rb") as file:
        yield from read(file, str(path), path.parent)


def _merged(own: Context, common: Context) -> Context:
    return Context.of(
        common.camera_id if own.camera_id is None else own.camera_id,
        common.captured_at if own.captured_at is None else own.captured_at,
        {**dict(common.labels), **dict(own.labels)},
    )
