"""`gallery enrol` from every source: what is enrolled, what is written down, what is left out the next time."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gallery.cli.exits import Exit
from tests.cli.conftest import Run
from tests.pictures import png_of, views_of


def lines_of(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text().splitlines()]


def rows_of(report: Path) -> list[dict[str, Any]]:
    return [line for line in lines_of(report) if line["event"] == "row"]


@pytest.fixture
def manifest(people: Path) -> Path:
    """Of the four pictures of ann and bob: one is named with context and box, one twice, one is missing."""
    file = people / "all.csv"
    file.write_text(
        "path,identity,camera,captured_at,labels,box\n"
        'ann/0.png,ann,door,2026-05-01T08:00+02:00,shift=early,"0,0,8,16"\n'
        "ann/1.png,ann,,,,\n"
        "bob/0.png,bob,,,,\n"
        "bob/0.png,bob,,,,\n"
        "bob/nowhere.png,bob,,,,\n"
        "bob/1.png\n"
    )
    return file


def test_a_manifest_is_enrolled_with_its_context_and_each_row_is_reported(
    gallery: Run, where: list[str], manifest: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    enrolled = gallery("enrol", manifest, "--label", "site=north", "--report", report, "--json", *where)
    assert enrolled.code == Exit.NO_MATCH
    summary = enrolled.json
    assert [summary[name] for name in ("created", "duplicates", "refused_count", "identities")] == [3, 1, 2, 2]
    assert summary["refused_by_reason"] == {"INVALID_IMAGE": 1, "INVALID_REQUEST": 1}

    begin, *rows, end = lines_of(report)
    assert (begin["event"], begin["gallery"]["id"], end["event"], end["created"]) == ("begin", where[-1], "end", 3)
    assert {(Path(row.get("path", "")).name, row["source"], row["result"]) for row in rows} == {
        ("0.png", f"{manifest}:2", "created"),
        ("1.png", f"{manifest}:3", "created"),
        ("0.png", f"{manifest}:4", "created"),
        ("0.png", f"{manifest}:5", "duplicate"),
        ("nowhere.png", f"{manifest}:6", "refused"),
        ("", f"{manifest}:7", "refused"),
    }
    assert all(row["reason"] and row["message"] for row in rows if row["result"] == "refused")

    templates = gallery("list", "--identity", "ann", "--json", *where).json["templates"]
    (boxed,) = (template for template in templates if template["region"] is not None)
    assert (boxed["context"]["camera_id"], boxed["region"]["height"]) == ("door", 16)
    assert boxed["context"]["labels"] == {"shift": "early", "site": "north"}
    assert boxed["context"]["captured_at"].startswith("2026-05-01T06:00:00")


def test_json_lines_come_from_standard_input_too(
    gallery: Run, on_server: list[str], people: Path, tmp_path: Path
) -> None:
    lines = [{"path": str(people / name / "0.png"), "identity": name} for name in ("ann", "bob")]
    text = "\n".join(map(json.dumps, lines)) + "\nnonsense\n"
    enrolled = gallery("enrol", "-", "--json", *on_server, answer=text)
    assert (enrolled.code, enrolled.json["created"], enrolled.json["refused_count"]) == (Exit.NO_MATCH, 2, 1)
    (tmp_path / "same.jsonl").write_text(text)
    again = gallery("enrol", tmp_path / "same.jsonl", "--json", *on_server)
    assert (again.json["unchanged"], again.json["created"]) == (2, 0)
    assert gallery("enrol", "-", *on_server, answer="").code == Exit.REFUSED
    assert gallery("enrol", "-", "--identity", "ann", *on_server, answer=text).code == Exit.USAGE


def test_what_a_report_says_is_enrolled_is_not_sent_again(
    gallery: Run, where: list[str], people: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    gallery("enrol", people / "ann" / "0.png", "--identity", "ann", "--report", report, *where)
    with report.open("ab") as file:
        file.write(b'{"event": "row", "result": "created", "template_id": "torn')  # killed in the middle of a line
    again = gallery("enrol", people, "--report", report, "--json", *where)
    assert [again.json[name] for name in ("created", "unchanged", "skipped")] == [3, 0, 1]
    assert again.code == Exit.DONE
    all_done = gallery("enrol", people, "--report", report, *where)
    assert "4 were left out" in all_done.stdout
    assert len(rows_of_tolerantly(report)) == 4

    gallery("galleries", "delete", "--yes", *where)
    anew = gallery("enrol", people, "--report", report, "--json", *where)
    assert [anew.json[name] for name in ("created", "skipped")] == [4, 0]


def rows_of_tolerantly(report: Path) -> list[dict[str, Any]]:
    rows = []
    for line in report.read_text().splitlines():
        try:
            parsed = json.loads(line)
        except ValueError:
            assert "torn" in line
            continue
        if parsed["event"] == "row":
            rows.append(parsed)
    return rows


def test_a_refused_picture_is_tried_again_with_the_same_report(
    gallery: Run, on_server: list[str], people: Path, tmp_path: Path
) -> None:
    report, torn = tmp_path / "report.jsonl", people / "ann" / "0.png"
    good = torn.read_bytes()
    torn.write_bytes(good[:40])
    assert gallery("enrol", people, "--report", report, *on_server).code == Exit.NO_MATCH
    torn.write_bytes(good)
    again = gallery("enrol", people, "--report", report, "--json", *on_server)
    assert (again.code, again.json["created"], again.json["skipped"]) == (Exit.DONE, 1, 3)


def test_a_file_that_is_no_report_is_not_written_to(
    gallery: Run, on_server: list[str], people: Path, manifest: Path
) -> None:
    before = manifest.read_bytes()
    ended = gallery("enrol", people, "--report", manifest, *on_server)
    assert (ended.code, "no report" in ended.stderr) == (Exit.USAGE, True)
    assert manifest.read_bytes() == before


def test_names_that_are_no_unicode_are_refused_alone_and_shown(
    on_server: list[str], people: Path, tmp_path: Path
) -> None:
    file = tmp_path / "odd.jsonl"
    rows = [{"path": "\ud800", "identity": "x"}, {"path": "1.png", "identity": "\ud800"}]
    good = {"path": str(people / "ann" / "0.png"), "identity": "ann"}
    file.write_text("".join(json.dumps(row) + "\n" for row in [*rows, good]))
    report = tmp_path / "report.jsonl"
    command = [sys.executable, "-m", "gallery.cli", "enrol", str(file), "--report", str(report), "--json"]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    ended = subprocess.run([*command, *on_server], capture_output=True, env=strict, check=False)
    assert (ended.returncode, ended.stderr.count(b"Traceback")) == (Exit.NO_MATCH, 0)
    summary = json.loads(ended.stdout)
    assert [summary[name] for name in ("created", "refused_count", "identities")] == [1, 2, 1]
    assert [row["result"] for row in rows_of(report)] == ["refused", "refused", "created"]


def test_fifty_thousand_bad_rows_are_counted_on_the_screen_and_written_to_the_report(
    gallery: Run, on_server: list[str], people: Path, tmp_path: Path
) -> None:
    file, report = tmp_path / "bad.jsonl", tmp_path / "report.jsonl"
    with file.open("w") as manifest:
        for number in range(50_000):
            manifest.write('{"path": "gone.png"}\n' if number % 2 else '{"path": "gone.png", "identity": "x"}\n')
        manifest.write(json.dumps({"path": str(people / "ann" / "0.png"), "identity": "ann"}) + "\n")
    ended = gallery("enrol", file, "--report", report, *on_server)
    assert ended.code == Exit.NO_MATCH
    assert "1 images of 1 people enrolled" in ended.stdout
    assert "50000 images were not enrolled" in ended.stdout
    assert ended.stdout.count("25000") == 2
    assert len(ended.stdout.splitlines()) < 60
    assert sum(1 for row in rows_of(report) if row["result"] == "refused") == 50_000


def test_no_invented_files_are_read(gallery: Run, on_server: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "odd" / "ann"
    folder.mkdir(parents=True)
    rows = ["/dev/zero", str(folder), "a\0b", "x" * 5000]
    (tmp_path / "odd.jsonl").write_text("".join(json.dumps({"path": p, "identity": "ann"}) + "\n" for p in rows))
    ended = gallery("enrol", tmp_path / "odd.jsonl", "--json", *on_server)
    assert ended.json["refused_by_reason"] == {"INVALID_IMAGE": 4}


def test_two_pictures_of_one_person_nearer_to_another_are_told(
    gallery: Run, on_server: list[str], people: Path
) -> None:
    for view, content in enumerate(views_of(0, 2)):
        (people / "bob" / f"wrong-{view}.png").write_bytes(content)
    (people / "cid").mkdir()
    (people / "cid" / "0.png").write_bytes(png_of(7))
    enrolled = gallery("enrol", people, "--json", *on_server).json
    assert enrolled["created"] == 7
    assert enrolled["conflicting_count"] == len(enrolled["conflicting"]) >= 1
    assert {conflict["conflicts"][0]["identity_id"] for conflict in enrolled["conflicting"]} <= {"ann", "bob"}


def test_links_in_a_folder_of_people_are_followed_and_never_in_circles(
    gallery: Run, where: list[str], people: Path
) -> None:
    elsewhere = people.parent / "elsewhere"
    (people / "ann").rename(elsewhere)
    (people / "ann").mkdir()
    (people / "ann" / "spring").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "back").symlink_to(people / "ann", target_is_directory=True)
    (people / ".trash").mkdir()
    (people / ".trash" / "0.png").write_bytes(b"not a picture")
    enrolled = gallery("enrol", people, "--json", *where)
    assert enrolled.code == Exit.DONE
    assert [enrolled.json[name] for name in ("created", "duplicates", "identities")] == [4, 0, 2]
