"""`gallery watch` on drawn people: what is printed, written and drawn, from every source, through a real server."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import pytest

from gallery.cli.exits import Exit
from tests.cameras.detectors import write_detector, yolov8, yolox
from tests.cameras.scenes import RATE, numbered, read_video, scene, write_sidecar, write_video
from tests.cli.conftest import Run

FRAMES = 8


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def street(tmp_path: Path) -> tuple[Path, Path]:
    """A video of two people who stand there, and its sidecar."""
    views = [scene([0, 1], view % 2) for view in range(FRAMES)]
    video = write_video(tmp_path / "street.avi", [pixels for pixels, _ in views])
    return video, write_sidecar(tmp_path / "street.jsonl", [boxes for _, boxes in views])


@pytest.fixture
def enrolled(gallery: Run, where: list[str], tmp_path: Path) -> list[str]:
    """Where to ask: a gallery with the first of the two people, from the first frame."""
    pixels, boxes = scene([0, 1])
    manifest = tmp_path / "people.jsonl"
    cv2.imwrite(str(tmp_path / "frame.png"), pixels)
    box = boxes[0]
    row = {"path": "frame.png", "identity": "ann", "box": [box.x, box.y, box.width, box.height]}
    manifest.write_text(json.dumps(row) + "\n")
    assert gallery("enrol", manifest, *where).code == Exit.DONE
    return where


def test_a_video_with_a_sidecar_is_answered_drawn_and_written_down(
    gallery: Run, enrolled: list[str], street: tuple[Path, Path], tmp_path: Path
) -> None:
    video, sidecar = street
    drawn, written = tmp_path / "seen.mp4", tmp_path / "seen.jsonl"
    options = ["--sidecar", sidecar, "-o", drawn, "--json-lines", written, "--camera", "door", "--threshold", "0.05"]
    ran = gallery("watch", video, *options, "--begins", "2026-05-01T08:00:00+00:00", "--json", *enrolled)
    assert ran.code == Exit.DONE, ran.stderr
    assert ran.stdout == written.read_text()
    lines = lines_of(ran.stdout)
    people = [line for line in lines if line["event"] == "person"]
    assert [(line["frame"], line["track_id"]) for line in people] == [
        (number, track) for number in range(FRAMES) for track in ("p0", "p1")
    ]
    first = people[0]
    assert (first["matched"], first["outcome"], first["identity_id"], first["nearest"]) == (True, "MATCH", "ann", "ann")
    assert first["distance"] <= first["threshold"] == 0.05
    assert first["region"] == json.loads(sidecar.read_text().splitlines()[0])["people"][0]["box"]
    assert first["camera_id"] == "door"
    last = people[-2]
    assert last["time"] == pytest.approx((FRAMES - 1) / RATE)
    assert last["captured_at"] == "2026-05-01T08:00:00.700+00:00"
    assert last["track"]["image_count"] == FRAMES
    ends = [line for line in lines if line["event"] == "track_ended"]
    assert [(line["track_id"], line["image_count"]) for line in ends] == [("p0", FRAMES), ("p1", FRAMES)]
    assert f"{FRAMES} frames, {FRAMES} asked about, {2 * FRAMES} people" in ran.stderr
    frames, rate = read_video(drawn)
    assert (len(frames), rate) == (FRAMES, RATE)


def test_people_are_told_when_a_decision_changes_and_when_somebody_goes(
    gallery: Run, enrolled: list[str], street: tuple[Path, Path]
) -> None:
    ran = gallery("watch", street[0], "--sidecar", street[1], "--threshold", "2", *enrolled)
    assert ran.code == Exit.DONE
    told = ran.stdout.splitlines()
    assert len(told) == 4
    assert re.match(r"0:00:00 frame 0  p0  TRUE ann  0\.\d+ <= 2\.000", told[0])
    assert re.match(rf"p1 is gone  TRUE ann .*, {FRAMES} images", told[3])


@pytest.mark.parametrize("layout", [yolox, yolov8])
def test_people_are_detected_and_followed(
    gallery: Run, enrolled: list[str], street: tuple[Path, Path], tmp_path: Path, layout: Any
) -> None:
    _, boxes = scene([0, 1])
    scale = 64 / 160
    found = [
        ((box.x * scale, box.y * scale, box.width * scale, box.height * scale), 0.9 - place / 10, 0)
        for place, box in enumerate(boxes)
    ]
    detector = write_detector(tmp_path / "d.onnx", layout(found))
    ran = gallery("watch", street[0], "--detector", detector, "--every", 2, "--json", *enrolled)
    assert ran.code == Exit.DONE, ran.stderr
    lines = lines_of(ran.stdout)
    people = [line for line in lines if line["event"] == "person"]
    assert [(line["frame"], line["track_id"]) for line in people] == [
        (number, track) for number in (0, 2, 4, 6) for track in ("t1", "t2")
    ]
    for box, line in zip(boxes, people, strict=False):
        assert line["region"] == pytest.approx([box.x, box.y, box.width, box.height], abs=1)
    assert [line["image_count"] for line in lines if line["event"] == "track_ended"] == [4, 4]


def test_a_folder_of_crops_is_one_person_a_picture(gallery: Run, where: list[str], people: Path) -> None:
    assert gallery("enrol", people, *where).code == Exit.DONE
    ran = gallery("watch", people / "bob", "--json", *where)
    assert ran.code == Exit.DONE, ran.stderr
    lines = lines_of(ran.stdout)
    assert [(line["frame"], line["region"], line["identity_id"], line["track"]) for line in lines] == [
        (0, None, "bob", None),
        (1, None, "bob", None),
    ]
    assert [line["distance"] for line in lines] == pytest.approx([0.0, 0.0], abs=0.05)


def test_a_frame_that_is_refused_is_told_and_the_command_ends_with_1(
    gallery: Run, enrolled: list[str], street: tuple[Path, Path], tmp_path: Path
) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_text('{"frame": 1, "people": [{"box": [900, 900, 10, 20]}]}\n')
    ran = gallery("watch", street[0], "--sidecar", outside, "--json", *enrolled)
    assert ran.code == Exit.NO_MATCH
    (line,) = lines_of(ran.stdout)
    assert (line["event"], line["frame"], line["reason"]) == ("refused", 1, "INVALID_REGION")
    assert "1 refused" in ran.stderr


def test_a_video_that_breaks_off_is_answered_until_there_and_drawn(
    gallery: Run, enrolled: list[str], tmp_path: Path
) -> None:
    video, drawn = write_video(tmp_path / "v.avi", numbered(20)), tmp_path / "seen.mp4"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    ran = gallery("watch", video, "-o", drawn, "--json", *enrolled)
    assert ran.code == Exit.REFUSED
    assert "breaks off after" in ran.stderr
    assert 1 <= len(lines_of(ran.stdout)) == len(read_video(drawn)[0]) < 17


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere.mp4"], Exit.REFUSED, "there is no nowhere.mp4"),
        (["4711"], Exit.UNAVAILABLE, "the webcam 4711 cannot be opened"),
        (["street.avi", "-o", "seen.gif"], Exit.REFUSED, "ends in .mp4, .mkv or .avi"),
        (["street.avi", "--sidecar", "a", "--detector", "b"], Exit.USAGE, "not both"),
        (["street.avi", "--sidecar", "bad.jsonl"], Exit.REFUSED, "line 2 of bad.jsonl"),
        (["street.avi", "--detector", "bad.jsonl"], Exit.REFUSED, "cannot load bad.jsonl"),
        (["street.avi", "--json-lines", "no/where.jsonl"], Exit.REFUSED, "cannot be written"),
        (["street.avi", "-o", "./street.avi"], Exit.USAGE, "written over"),
        (["street.avi", "--retry-for", "soon"], Exit.USAGE, "no duration"),
        (["street.avi", "--begins", "soon"], Exit.USAGE, "no time"),
        (["street.avi", "--gallery", "nobodys"], Exit.REFUSED, "nobodys"),
    ],
)
def test_what_cannot_be_watched_is_said(
    gallery: Run,
    on_server: list[str],
    street: tuple[Path, Path],
    tmp_path: Path,
    words: list[str],
    code: Exit,
    said: str,
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"frame": 0, "people": []}\n{"frame": 1}\n')
    ran = gallery("watch", *[*on_server, *words])
    assert ran.code == code, ran.stderr
    assert said in re.sub(r"[\s│]+", " ", ran.stderr)


def test_a_full_disk_is_said_and_ends_the_command(gallery: Run, enrolled: list[str], street: tuple[Path, Path]) -> None:
    ran = gallery("watch", street[0], "--json-lines", "/dev/full", *enrolled)
    assert ran.code == Exit.REFUSED
    assert "/dev/full cannot be written (No space left on device)" in ran.stderr


def test_a_server_that_is_away_for_too_long_ends_the_command(gallery: Run, street: tuple[Path, Path]) -> None:
    ran = gallery("watch", street[0], "--server", "127.0.0.1:1", "--retry-for", "0s")
    assert ran.code == Exit.UNAVAILABLE
    assert "no answer from a gallery server at 127.0.0.1:1" in ran.stderr
