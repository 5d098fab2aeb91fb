import json
from pathlib import Path

import pytest

from export.data.readers import read
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
        ("a.jpg,anna,,1 2 3", "is not four numbers"),
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
