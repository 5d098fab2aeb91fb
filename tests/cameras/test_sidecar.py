"""The sidecar: what it says, and what is said of a bad one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gallery.cameras import Frame, Look, Seen, Sidecar
from gallery.domain import Region
from gallery.errors import InvalidSource


def frame(number: int) -> Frame:
    return Frame(number, number / 10, datetime.now(UTC), np.zeros((4, 4, 3), np.uint8), asked=True)


def written(folder: Path, *lines: str) -> Path:
    path = folder / "people.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_frames_and_times_name_boxes_and_tracks(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '{"frame": 2, "people": [{"box": [1, 2, 3, 4], "track_id": "a"}]}',
        "",
        '{"time": 0.31, "people": [{"box": [5.4, 6.6, 7, 8]}]}',
        '{"frame": 2, "people": [{"box": [9, 9, 9, 9]}]}',
    )
    sidecar = Sidecar(path, rate=10.0)
    assert sidecar.look(frame(1)) == Look()
    assert sidecar.look(frame(2)) == Look((Seen(Region(1, 2, 3, 4), "a"), Seen(Region(9, 9, 9, 9))), ("a",))
    assert sidecar.look(frame(3)) == Look((Seen(Region(5, 7, 7, 8)),))


def test_a_track_ends_with_its_last_frame_even_if_that_is_passed_over(tmp_path: Path) -> None:
    people = [{"box": [1, 2, 3, 4], "track_id": "a"}]
    lines = [json.dumps({"frame": number, "people": people}) for number in (0, 2, 3)]
    sidecar = Sidecar(written(tmp_path, *lines), rate=10.0)
    assert [sidecar.look(frame(number)).ended for number in (0, 2, 4, 6)] == [(), (), ("a",), ()]
    again = Sidecar(written(tmp_path, *lines), rate=10.0)
    again.look(frame(0))
    assert again.finish() == ("a",)
    assert again.finish() == ()


def test_a_box_that_reaches_over_the_edge_is_cut(tmp_path: Path) -> None:
    sidecar = Sidecar(written(tmp_path, '{"frame": 0, "people": [{"box": [-4, -2, 10, 10]}]}'), rate=10.0)
    assert sidecar.look(frame(0)).people == (Seen(Region(0, 0, 6, 8)),)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Expecting"),
        ("[]", "dictionary"),
        ('{"people": []}', "either a frame or a time"),
        ('{"frame": 1, "time": 1.0, "people": []}', "either a frame or a time"),
        ('{"frame": -1, "people": []}', "frame"),
        ('{"frame": 1}', "people"),
        ('{"frame": 1, "people": [{"box": [1, 2, 3]}]}', r"people\.0\.box"),
        ('{"frame": 1, "people": [{"box": [1, 2, 0, 4]}]}', "empty or outside"),
        ('{"frame": 1, "people": [{"box": [-9, 2, 3, 4]}]}', "empty or outside"),
        ('{"frame": 1, "people": [{"box": [1, 2, NaN, 4]}]}', r"people\.0\.box"),
        ('{"frame": 1, "people": [{"box": [1, 2, 0.2, 4]}]}', "empty"),
        ('{"frame": 1, "people": [{"box": [1, 2, 3, 4], "name": "x"}]}', r"people\.0\.name"),
        ('{"frame": 1, "people": [{"box": [1, 2, 3, 4], "track_id": 7}]}', r"people\.0\.track_id"),
        (
            '{"frame": 1, "people": [{"box": [1, 2, 3, 4], "track_id": "a"}, {"box": [9, 2, 3, 4], "track_id": "a"}]}',
            "one track twice",
        ),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: str, said: str) -> None:
    path = written(tmp_path, '{"frame": 0, "people": []}', "", line)
    with pytest.raises(InvalidSource, match=rf"line 3 of .*people\.jsonl.*{said}"):
        Sidecar(path, rate=10.0)


def test_a_track_twice_in_one_frame_is_refused_on_different_lines_too(tmp_path: Path) -> None:
    line = '{"frame": 1, "people": [{"box": [1, 2, 3, 4], "track_id": "a"}]}'
    with pytest.raises(InvalidSource, match=r"line 2 of .* one track twice"):
        Sidecar(written(tmp_path, line, line), rate=10.0)


def test_a_sidecar_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSource, match="cannot be read"):
        Sidecar(tmp_path / "nowhere.jsonl", rate=10.0)
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidSource, match="UTF-8"):
        Sidecar(tmp_path / "binary.jsonl", rate=10.0)
