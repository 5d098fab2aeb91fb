"""Manifests of every form, read a row at a time: good rows, bad rows, and rows that would fill a memory."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gallery.cli.bulk.manifest import rows_of_csv, rows_of_json_lines
from gallery.cli.bulk.row import BadRow, Row
from gallery.domain import Context, Region
from gallery.errors import InvalidRequest

BASE = Path("base")


def csv_rows(text: str | bytes) -> list[Row | BadRow]:
    return list(rows_of_csv(io.BytesIO(text.encode() if isinstance(text, str) else text), "m.csv", BASE))


def json_rows(text: str | bytes) -> list[Row | BadRow]:
    return list(rows_of_json_lines(io.BytesIO(text.encode() if isinstance(text, str) else text), "m.jsonl", BASE))


FULL = Row(
    "m:2",
    BASE / "a/1.jpg",
    "ann",
    Region(1, 2, 3, 4),
    Context.of("door", datetime(2026, 5, 1, 6, 0, tzinfo=UTC), {"shift": "early", "site": "north"}),
)


def test_a_row_may_say_where_when_and_whom_a_picture_shows() -> None:
    (row,) = csv_rows(
        "\ufeffidentity,path,camera,captured_at,labels,box\r\n"
        'ann,a/1.jpg,door,2026-05-01T08:00+02:00,site=north;shift=early,"1,2,3,4"\r\n'
    )
    assert isinstance(row, Row)
    assert (row.path, row.identity_id, row.region, row.context) == (
        FULL.path, FULL.identity_id, FULL.region, FULL.context
    )  # fmt: skip
    (same,) = json_rows(
        '{"path": "a/1.jpg", "identity": "ann", "camera": "door", "captured_at": "2026-05-01T06:00:00Z", '
        '"labels": {"shift": "early", "site": "north"}, "box": [1, 2, 3, 4]}\n\n'
    )
    assert isinstance(same, Row)
    assert (same.path, same.region, same.context) == (FULL.path, FULL.region, FULL.context)
    assert (row.source, same.source) == ("m.csv:2", "m.jsonl:1")


def test_empty_cells_say_nothing_and_absolute_paths_stay() -> None:
    (row,) = csv_rows("path,identity,camera,captured_at,labels,box\n/tmp/1.jpg,ann,,,,\n")
    assert row == Row("m.csv:2", Path("/tmp/1.jpg"), "ann")


BAD_JSON = {
    "not json": b"{path: 1}",
    "a list": b'["1.jpg", "ann"]',
    "no identity": b'{"path": "1.jpg"}',
    "an empty path": b'{"path": "", "identity": "ann"}',
    "an unknown key": b'{"path": "1.jpg", "identity": "ann", "camra": "door"}',
    "a number for a name": b'{"path": "1.jpg", "identity": 7}',
    "a box of three": b'{"path": "1.jpg", "identity": "ann", "box": [1, 2, 3]}',
    "an empty box": b'{"path": "1.jpg", "identity": "ann", "box": [1, 2, 0, 3]}',
    "a time that is none": b'{"path": "1.jpg", "identity": "ann", "captured_at": "yesterday"}',
    "bytes that are no text": b'{"path": "\xff\xfe", "identity": "ann"}',
    "deep nesting": b"[" * 60_000,
    "a line without end": b"x" * 2**20,
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_a_bad_line_is_told_with_its_place_and_the_next_is_read(case: str) -> None:
    bad, good = json_rows(BAD_JSON[case] + b'\n{"path": "2.jpg", "identity": "bob"}\n')
    assert isinstance(bad, BadRow)
    assert (bad.source, str(bad.error) != "") == ("m.jsonl:1", True)
    assert good == Row("m.jsonl:2", BASE / "2.jpg", "bob")


@pytest.mark.parametrize("line", ["ann", "1.jpg,ann,door,now", '1.jpg,ann,"a=b;c"', ",ann,", '1.jpg,ann,"a=b=c;a"'])
def test_a_bad_record_is_told_with_its_place_and_the_next_is_read(line: str) -> None:
    bad, good = csv_rows(f"path,identity,labels\n{line}\n2.jpg,bob,\n")
    assert isinstance(bad, BadRow)
    assert bad.source == "m.csv:2"
    assert good == Row("m.csv:3", BASE / "2.jpg", "bob")


@pytest.mark.parametrize("line", [b"m\xfcller.jpg,ann,", b"1.jpg,m\xfcller,", b"1.jpg,ann,site=k\xf6ln"])
def test_a_record_in_another_encoding_is_told_to_be(line: bytes) -> None:
    bad, good = csv_rows(b"path,identity,labels\n" + line + b"\n2.jpg,bob,\n")
    assert isinstance(bad, BadRow)
    assert (bad.source, "UTF-8" in str(bad.error)) == ("m.csv:2", True)
    assert good == Row("m.csv:3", BASE / "2.jpg", "bob")


@pytest.mark.parametrize("heading", ["", "path\n", "path,identity,camra\n", "path,identity,path\n", '"path'])
def test_a_heading_that_does_not_do_is_refused_as_a_whole(heading: str) -> None:
    with pytest.raises(InvalidRequest, match="heading"):
        csv_rows(heading)


def test_a_quote_that_never_closes_does_not_fill_the_memory() -> None:
    rows = csv_rows('path,identity\n"1.jpg,ann\n' + "2.jpg,bob\n" * 200_000)
    assert rows
    assert all(isinstance(row, BadRow) for row in rows[:1])
