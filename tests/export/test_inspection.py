from pathlib import Path

import pytest

from export.data.inspection import inspect, refuse_shared, without_single
from export.data.readers import read
from export.errors import InvalidData
from tests.export.people import drawn_people


def test_what_is_found_is_told_before_the_work(tmp_path: Path) -> None:
    found = dict(inspect(drawn_people(tmp_path, people=3, views=4)).summary())
    assert found["people"] == "3"
    assert found["images"] == "12 (4 to 4 a person, median 4)"
    assert found["people with one image"] == "none"


def test_unreadable_and_empty_files_are_left_out_with_the_reason(tmp_path: Path) -> None:
    drawn_people(tmp_path, people=2, views=2)
    person = sorted(tmp_path.iterdir())[0]
    (person / "torn.jpg").write_bytes(sorted(person.iterdir())[0].read_bytes()[:200])
    (person / "empty.jpg").write_bytes(b"")
    inspection = inspect(read(tmp_path))
    reasons = {problem.path.name: problem.reason for problem in inspection.dataset.problems}
    assert set(reasons) == {"torn.jpg", "empty.jpg"}
    assert "zero bytes" in reasons["empty.jpg"]
    assert len(inspection.dataset.samples) == 4


def test_every_row_that_is_left_out_is_told(tmp_path: Path) -> None:
    drawn_people(tmp_path, people=2, views=2)
    rows = [f"{path.relative_to(tmp_path)},{path.parent.name}," for path in sorted(tmp_path.glob("*/*"))]
    bad = [f"{row}1 2" for row in rows[:3]]
    manifest = tmp_path / "people.csv"
    manifest.write_text("\n".join(["path,identity,box", *rows, *bad]))
    lines = [text for name, text in inspect(read(manifest)).summary() if name.endswith("people.csv")]
    assert [text.split(":")[0] for text in lines] == ["line 6", "line 7", "line 8"]


def test_nothing_readable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "1.jpg").write_bytes(b"not a picture")
    with pytest.raises(InvalidData, match="none of the 1 images"):
        inspect(read(tmp_path))


def test_a_picture_under_two_people_is_refused(tmp_path: Path) -> None:
    dataset = drawn_people(tmp_path, people=2, views=2)
    other = next(sample.path for sample in dataset.samples if sample.identity == dataset.identities[1])
    copy = dataset.samples[0].path.with_name("copy.jpg")
    copy.write_bytes(other.read_bytes())
    with pytest.raises(InvalidData, match="are the same picture, of"):
        inspect(read(tmp_path))


def test_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    for name in ("Anna", "anna "):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"x")
    with pytest.raises(InvalidData, match="one person under two names"):
        inspect(read(tmp_path))


def test_a_copy_across_the_split_is_found_by_content(tmp_path: Path) -> None:
    dataset = drawn_people(tmp_path, people=2, views=2)
    first = dataset.samples[0].path
    # Bytes after the end of a JPEG change the file and its digest, but no pixel.
    first.with_name("copy.jpg").write_bytes(first.read_bytes() + b"comment")
    inspection = inspect(read(tmp_path))
    original, copy = inspection.copies[0]
    refuse_shared([original, copy], [], inspection)
    with pytest.raises(InvalidData, match="the same picture"):
        refuse_shared([original], [copy], inspection)


def test_a_person_of_one_image_is_refused_or_left_out(tmp_path: Path) -> None:
    drawn_people(tmp_path, people=3, views=2)
    lonely = sorted(tmp_path.iterdir())[0]
    sorted(lonely.iterdir())[0].unlink()
    inspection = inspect(read(tmp_path))
    with pytest.raises(InvalidData, match="1 people have one image only"):
        without_single(inspection, leave_out=False)
    assert len(without_single(inspection, leave_out=True).identities) == 2
