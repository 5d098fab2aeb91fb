"""Recordings: their frames, their times, and what is wrong with bad ones."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import pytest

from gallery.cameras import Frame, Sampling, Source, open_source, shown_name
from gallery.cameras.opening import Opening
from gallery.errors import InvalidSource
from tests.cameras.scenes import RATE, number_of, numbered, write_video

BEGINS = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


def ignored(_: str) -> None:
    """Tell nobody."""


def read(source: Source) -> list[Frame]:
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    return frames


def write_folder(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number, frame in enumerate(numbered(count)):
        cv2.imwrite(str(folder / f"f{number}.png"), frame)
    return folder


def test_a_video_gives_every_frame_with_its_time(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.avi", numbered(12))
    source = open_source(str(video), Opening(begins=BEGINS), ignored)
    assert (source.rate, source.total, source.live) == (RATE, 12, False)
    frames = read(source)
    assert [frame.number for frame in frames] == [number_of(frame.pixels) for frame in frames] == list(range(12))
    assert [frame.seconds for frame in frames] == pytest.approx([number / RATE for number in range(12)])
    assert frames[7].captured_at == BEGINS + timedelta(seconds=0.7)
    assert all(frame.asked for frame in frames)


def test_a_recording_began_its_length_before_its_file_was_written(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.avi", numbered(10))
    os.utime(video, (BEGINS.timestamp(), BEGINS.timestamp()))
    assert read(open_source(str(video), Opening(), ignored))[0].captured_at == BEGINS - timedelta(seconds=1)


def test_another_rate_gives_other_times(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.avi", numbered(5))
    source = open_source(str(video), Opening(rate=2.0), ignored)
    assert source.rate == 2.0
    assert [frame.seconds for frame in read(source)] == [0.0, 0.5, 1.0, 1.5, 2.0]


@pytest.mark.parametrize("kind", ["video", "folder"])
def test_every_third_frame_is_asked_about_and_those_between_come_when_they_are_wanted(
    tmp_path: Path, kind: str
) -> None:
    name = write_video(tmp_path / "v.avi", numbered(8)) if kind == "video" else write_folder(tmp_path / "frames", 8)
    sparse = read(open_source(str(name), Opening(Sampling(3)), ignored))
    assert [number_of(frame.pixels) for frame in sparse] == [frame.number for frame in sparse] == [0, 3, 6]
    dense = read(open_source(str(name), Opening(Sampling(3, between=True)), ignored))
    assert [frame.number for frame in dense if frame.asked] == [0, 3, 6]
    assert len(dense) == 8


def test_a_folder_is_read_in_the_order_of_its_numbers_and_its_files_are_sent_as_they_are(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "frames", 12)
    source = open_source(str(folder), Opening(begins=BEGINS, rate=4.0), ignored)
    assert (source.rate, source.total, source.live) == (4.0, 12, False)
    frames = read(source)
    assert [number_of(frame.pixels) for frame in frames] == list(range(12))
    assert frames[10].encoded == (folder / "f10.png").read_bytes()
    assert frames[10].captured_at == BEGINS + timedelta(seconds=2.5)


def test_a_picture_that_cannot_be_read_is_told_of_and_left_out(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "frames", 4)
    (folder / "f2.png").write_bytes(b"no picture")
    told: list[str] = []
    source = open_source(str(folder), Opening(), told.append)
    assert [frame.number for frame in read(source)] == [0, 1, 3]
    assert source.unreadable == 1
    assert "f2.png is left out" in told[0]


def test_a_video_that_breaks_off_says_where_after_what_could_be_read(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.avi", numbered(20))
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    source = open_source(str(video), Opening(), ignored)
    frames = []
    with pytest.raises(InvalidSource, match=r"breaks off after \d+ of its 20 frames"):
        while (frame := source.read()) is not None:
            frames.append(frame)
    assert [number_of(frame.pixels) for frame in frames] == list(range(len(frames)))
    assert 1 <= len(frames) < 17
    source.close()


def test_a_recording_that_is_stopped_has_not_broken_off(tmp_path: Path) -> None:
    source = open_source(str(write_video(tmp_path / "v.avi", numbered(20))), Opening(), ignored)
    assert source.read() is not None
    source.stop()
    assert source.read() is None
    source.close()


def test_what_is_no_source_is_refused_with_what_would_be(tmp_path: Path) -> None:
    with pytest.raises(InvalidSource, match=r"there is no .*; expected a video file"):
        open_source(str(tmp_path / "nowhere.mp4"), Opening(), ignored)
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InvalidSource, match="no video that can be read"):
        open_source(str(tmp_path / "text.mp4"), Opening(), ignored)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidSource, match="holds no pictures"):
        open_source(str(tmp_path / "empty"), Opening(), ignored)


def test_a_password_is_not_shown() -> None:
    assert shown_name("rtsp://me:secret@camera:554/a@b") == "rtsp://…@camera:554/a@b"
    assert shown_name("rtsp://camera/stream") == "rtsp://camera/stream"
