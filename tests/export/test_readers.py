import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from export.data.readers import Layout, read
from export.errors import InvalidData
from gallery.domain import Region
from tests.export.people import drawn_people


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_a_folder_is_a_person(tmp_path: Path) -> None:
    dataset = drawn_people(tmp_path, people=3, views=2)
    assert (dataset.layout, len(dataset.identities), len(dataset.samples)) == ("folders", 3, 6)
    assert dataset.cameras == ()
    assert all(sample.path.parent.name == sample.identity for sample in dataset.samples)


def test_a_stray_file_is_left_out_with_the_reason(tmp_path: Path) -> None:
    _touch(tmp_path, "anna/1.jpg", "anna/notes.txt", "loose.png")
    dataset = read(tmp_path, "folders")
    assert [sample.identity for sample in dataset.samples] == ["anna"]
    assert {problem.path.name: problem.reason for problem in dataset.problems} == {
        "notes.txt": "'.txt' is no image format that is read",
        "loose.png": "it lies in no person's folder",
    }


def test_market_names_tell_person_camera_and_moment(tmp_path: Path) -> None:
    _touch(tmp_path, "0002_c1s1_000451_03.jpg", "0002_c1s1_000551_01.jpg", "0007_c3s2_069056_02.jpg")
    dataset = read(tmp_path)
    assert dataset.layout == "market"
    assert [(sample.identity, sample.camera) for sample in dataset.samples] == [
        ("0002", "c1"),
        ("0002", "c1"),
        ("0007", "c3"),
    ]
    assert len({sample.moment for sample in dataset.samples}) == 2


def test_a_moment_lasts_until_ten_seconds_without_a_picture(tmp_path: Path) -> None:
    frames = {951: "first", 1101: "first", 1351: "first", 1602: "second"}
    _touch(tmp_path, *(f"0002_c1s1_{frame:06}_01.jpg" for frame in frames), "0003_c1s1_001200_01.jpg")
    moments = [sample.moment for sample in read(tmp_path).samples]
    assert moments[:4] == ["c1s1f951"] * 3 + ["c1s1f1602"]


def test_market_junk_and_bystanders_are_no_people(tmp_path: Path) -> None:
    _touch(tmp_path, "-1_c1s1_000451_03.jpg", "0000_c1s1_000451_03.jpg", "0002_c1s1_000451_03.jpg", "readme.jpg")
    dataset = read(tmp_path, "market")
    assert dataset.identities == ("0002",)
    assert len(dataset.problems) == 3


def test_a_csv_manifest_tells_camera_and_box(tmp_path: Path) -> None:
    _touch(tmp_path, "frames/a.jpg")
    manifest = tmp_path / "people.csv"
    manifest.write_text("path,identity,camera,box\nframes/a.jpg,anna,door,10 20 30 60\nframes/a.jpg,ben,door,\n")
    anna, ben = read(manifest).samples
    assert (anna.identity, anna.camera, anna.region) == ("anna", "door", Region(10, 20, 30, 60))
    assert (ben.identity, ben.region) == ("ben", None)


def test_a_jsonl_manifest_says_the_same(tmp_path: Path) -> None:
    _touch(tmp_path, "a.jpg")
    manifest = tmp_path / "people.jsonl"
    rows = [{"path": "a.jpg", "identity": "anna", "camera": "door", "box": [1, 2, 3, 4], "moment": "monday"}, {}]
    manifest.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    dataset = read(manifest)
    assert dataset.samples[0].region == Region(1, 2, 3, 4)
    assert dataset.samples[0].moment == "monday"
    assert dataset.problems[0].reason == "line 2: it names no path or no identity"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("gone.jpg,anna,,", "there is no such file"),
        ("a.jpg,,,", "names no path or no identity"),
        ("a.jpg,anna,,1 2 3", "is not four whole numbers"),
        ("a.jpg,anna,,0 0 0 9", "is empty"),
    ],
)
def test_a_row_that_names_nothing_is_left_out_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    _touch(tmp_path, "a.jpg")
    manifest = tmp_path / "people.csv"
    manifest.write_text(f"path,identity,camera,box\na.jpg,ben,,\n{row}\n")
    dataset = read(manifest)
    assert len(dataset.samples) == 1
    assert "line 3" in dataset.problems[0].reason
    assert reason in dataset.problems[0].reason


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("m.csv", "file,who\na.jpg,anna\n", "at least 'path' and 'identity'"),
        ("m.jsonl", "{", "line 1 of"),
        ("m.xml", "<a/>", "unknown kind"),
        ("m.csv", "path,identity\n", "holds no labelled image"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidData, match=says):
        read(tmp_path / name)


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="nothing at"):
        read(tmp_path / "gone")
    with pytest.raises(InvalidData, match="holds no labelled image"):
        read(tmp_path)


def test_a_person_s_folder_may_be_a_link_and_a_link_in_a_circle_is_told(tmp_path: Path) -> None:
    people = tmp_path / "people"
    _touch(tmp_path, "elsewhere/ben/1.jpg", "people/anna/1.jpg", "people/.trash/2.jpg")
    (people / "ben").symlink_to(tmp_path / "elsewhere" / "ben")
    (people / "anna" / "again").symlink_to(people)
    (people / "anna" / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    dataset = read(people)
    assert dataset.identities == ("anna", "ben")
    assert len(dataset.samples) == 2
    reasons = {problem.path.name: problem.reason for problem in dataset.problems}
    assert set(reasons) == {"again", "gone.jpg"}
    assert "leads back" in reasons["again"] and "link to nothing" in reasons["gone.jpg"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "anna/1.jpg", "ben/1.jpg")
    listed = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name == "ben":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    dataset = read(tmp_path, "folders")
    assert dataset.identities == ("anna",)
    assert [problem.reason for problem in dataset.problems] == ["the folder cannot be read: Permission denied"]


@pytest.mark.parametrize("layout", ["folders", "market", "manifest"])
def test_a_layout_that_the_path_is_not_of_is_refused(tmp_path: Path, layout: Layout) -> None:
    _touch(tmp_path, "people.csv")
    path = tmp_path if layout == "manifest" else tmp_path / "people.csv"
    with pytest.raises(InvalidData, match=r"is no folder|cannot be read"):
        read(path, layout)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ('"box": [NaN, 0, 10, 10]', "four whole numbers"),
        ('"box": [Infinity, 0, 10, 10]', "four whole numbers"),
        ('"box": [1.5, 0, 10, 10]', "four whole numbers"),
        ('"box": [null, 0, 10, 10]', "four whole numbers"),
        ('"box": 7', "four whole numbers"),
        ('"identity": NaN', "its identity nan is no text"),
        ('"identity": ["anna"]', "is no text"),
        ('"identity": "an\\u0000na"', "cannot be printed"),
        ('"camera": {"name": "door"}', "is no text"),
        ('"path": "' + "x" * 5000 + '"', "there is no such file"),
    ],
)
def test_a_hostile_row_is_left_out_with_the_reason(tmp_path: Path, fields: str, reason: str) -> None:
    _touch(tmp_path, "a.jpg")
    manifest = tmp_path / "people.jsonl"
    good = '{"path": "a.jpg", "identity": "anna"}'
    manifest.write_text(good + "\n" + good[:-1] + ", " + fields + "}\n")
    dataset = read(manifest)
    assert len(dataset.samples) == 1
    assert reason in dataset.problems[0].reason and len(dataset.problems[0].reason) < 200


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.csv", b"\xff\xfe\x00"),
        ("people.jsonl", b"\xff\xfe\x00"),
        ("people.csv", b'path,identity\n"' + b"x" * 200_000),
        ("people.jsonl", b"[" * 100_000),
    ],
    ids=["csv of another encoding", "json of another encoding", "an open quote", "brackets without end"],
)
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidData, match=r"UTF-8|not JSON"):
        read(tmp_path / name)
