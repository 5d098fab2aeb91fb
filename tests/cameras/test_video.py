"""The drawn video, read back: every frame in its place, at the source's rate, with the people on it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gallery.annotation import TRUE_COLOUR
from gallery.cameras import AnnotatedVideo, Frame, Person, Result, Seen
from gallery.domain import Pixels, Region
from gallery.errors import InvalidParameter
from tests.cameras.scenes import RATE, number_of, numbered, read_video
from tests.cameras.stand_ins import identification

BOX = Region(20, 30, 60, 80)


def frame(number: int, seconds: float | None = None) -> Frame:
    pixels = numbered(number + 1)[-1]
    return Frame(number, number / RATE if seconds is None else seconds, datetime.now(UTC), pixels, asked=True)


def person() -> Person:
    return Person(Seen(BOX), identification("ann", 0.1, BOX))


def has_box(pixels: Pixels) -> bool:
    """Whether the left edge of the box is drawn, in BGR."""
    edge = pixels[BOX.y * 3 + 60 : BOX.y * 3 + 120, BOX.x * 3 : BOX.x * 3 + 2].reshape(-1, 3).mean(axis=0)
    return bool(np.abs(edge[::-1] - TRUE_COLOUR).max() < 40)


@pytest.mark.parametrize("name", ["seen.mp4", "seen.mkv", "seen.AVI"])
def test_every_frame_is_in_its_place_with_its_people(tmp_path: Path, name: str) -> None:
    video = AnnotatedVideo(tmp_path / name, RATE)
    for number in range(10):
        video.show(Result(frame(number), (person(),) if number % 2 else ()))
    video.close()
    frames, rate = read_video(tmp_path / name)
    assert rate == RATE
    assert [number_of(each) for each in frames] == list(range(10))
    assert [has_box(each) for each in frames] == [False, True] * 5


def test_a_frame_that_was_not_asked_about_shows_the_people_of_the_one_before(tmp_path: Path) -> None:
    video = AnnotatedVideo(tmp_path / "v.mp4", RATE)
    for number, people in enumerate([(person(),), None, None, (), None]):
        video.show(Result(frame(number), people))
    video.close()
    assert [has_box(each) for each in read_video(tmp_path / "v.mp4")[0]] == [True, True, True, False, False]


def test_missing_frames_are_filled_so_that_the_pace_is_kept_but_for_a_second_at_most(tmp_path: Path) -> None:
    video = AnnotatedVideo(tmp_path / "v.mp4", RATE)
    for number, seconds in ((0, 0.0), (1, 0.3), (2, 0.31), (3, 60.3), (4, 60.4)):
        video.show(Result(frame(number, seconds), ()))
    video.close()
    shown = [number_of(each) for each in read_video(tmp_path / "v.mp4")[0]]
    assert shown == [0, 0, 0, 1, *[1] * 10, 3, 4]


def test_frames_of_another_size_are_fitted_into_the_first_ones(tmp_path: Path) -> None:
    video = AnnotatedVideo(tmp_path / "v.mp4", RATE)
    video.show(Result(frame(0), ()))
    odd = Frame(1, 0.1, datetime.now(UTC), np.full((91, 501, 3), 50, np.uint8), asked=True)
    video.show(Result(odd, ()))
    video.close()
    frames, _ = read_video(tmp_path / "v.mp4")
    assert {each.shape for each in frames} == {frames[0].shape}
    assert [number_of(each) for each in frames] == [0, 5]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"ends in \.mp4, \.mkv or \.avi"):
        AnnotatedVideo(tmp_path / "v.gif", RATE)
    with pytest.raises(InvalidParameter, match="cannot be written"):
        AnnotatedVideo(tmp_path / "nowhere" / "v.mp4", RATE).show(Result(frame(0), ()))


def test_a_video_without_frames_leaves_no_file(tmp_path: Path) -> None:
    AnnotatedVideo(tmp_path / "v.mp4", RATE).close()
    assert not (tmp_path / "v.mp4").exists()
