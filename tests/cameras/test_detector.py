"""Detectors of users: both layouts, what they are shown, what of their boxes is kept, and what is refused."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gallery.cameras import PersonDetector
from gallery.cameras.detector import MOST_PEOPLE
from gallery.domain import Region
from gallery.errors import InvalidModel, InvalidParameter
from tests.cameras.detectors import SIDE, Found, write_detector, yolov8, yolox, yolox_raw

PERSON, DOG = 0, 16
FRAME = np.zeros((120, 160, 3), np.uint8)  # shrunk by .4 into 64x64: 64 wide, 48 high
ANN: Found = ((4, 8, 8, 16), 0.9, PERSON)
BOB: Found = ((40, 8, 12, 20), 0.7, PERSON)

Layout = Callable[[Sequence[Found]], NDArray[np.float32]]
layouts = pytest.mark.parametrize("layout", [yolox, yolox_raw, yolov8])


def found(folder: Path, output: NDArray[np.float32], threshold: float = 0.5) -> list[Region]:
    return PersonDetector(write_detector(folder / "d.onnx", output), threshold=threshold).people(FRAME)


@layouts
def test_people_are_found_in_pixels_of_the_frame_the_surest_first(tmp_path: Path, layout: Layout) -> None:
    assert found(tmp_path, layout([BOB, ANN])) == [Region(10, 20, 20, 40), Region(100, 20, 30, 50)]


@layouts
def test_other_classes_and_unsure_boxes_are_left_out(tmp_path: Path, layout: Layout) -> None:
    dog: Found = ((20, 8, 8, 16), 0.99, DOG)
    unsure: Found = ((20, 8, 8, 16), 0.4, PERSON)
    assert found(tmp_path, layout([dog, unsure, ANN])) == [Region(10, 20, 20, 40)]
    assert len(found(tmp_path, layout([dog, unsure, ANN]), threshold=0.3)) == 2
    assert found(tmp_path, layout([dog, unsure])) == []


@layouts
def test_of_boxes_for_the_same_person_the_surest_stays(tmp_path: Path, layout: Layout) -> None:
    twice: Found = ((5, 8, 8, 16), 0.8, PERSON)
    assert found(tmp_path, layout([twice, ANN])) == [Region(10, 20, 20, 40)]


def test_boxes_are_cut_to_the_frame_and_those_outside_left_out(tmp_path: Path) -> None:
    over: Found = ((-4, 30, 8, 40), 0.9, PERSON)
    outside: Found = ((20, 50, 8, 10), 0.9, PERSON)  # in the grey below the frame
    assert found(tmp_path, yolov8([over, outside])) == [Region(0, 75, 10, 45)]


def test_no_more_people_are_given_than_the_service_takes(tmp_path: Path) -> None:
    crowd: list[Found] = [((x, y, 4, 4), 0.9, PERSON) for x in range(0, 60, 6) for y in range(0, 48, 6)]
    assert len(crowd) > MOST_PEOPLE
    assert len(found(tmp_path, yolov8(crowd))) == MOST_PEOPLE


@pytest.mark.parametrize(
    ("layout", "blue", "red"), [(yolox, 200.0, 0.0), (yolov8, 0.0, 200 / 255)], ids=["YOLOX", "YOLOv8"]
)
def test_a_yolox_sees_bgr_to_255_and_a_yolov8_rgb_to_1(tmp_path: Path, layout: Layout, blue: float, red: float) -> None:
    path = write_detector(tmp_path / "d.onnx", layout([((0, 0, 1, 1), 1.0, PERSON)]), brightness=True)
    detector = PersonDetector(path, threshold=1e-6)
    for colour, seen in ((0, blue), (2, red)):
        frame = np.zeros((SIDE, SIDE, 3), np.uint8)
        frame[..., colour] = 200
        # boxes are multiplied by what the network saw in its first channel, so their size tells
        sizes = [region.width for region in detector.people(frame)]
        assert sizes == ([] if seen == 0.0 else [min(SIDE, round(1.0 * seen))])


def test_a_detector_of_any_size_is_shown_640(tmp_path: Path) -> None:
    path = write_detector(tmp_path / "d.onnx", yolov8([((64, 64, 64, 128), 0.9, PERSON)]), shape=(1, 3, "h", "w"))
    assert PersonDetector(path).people(np.zeros((320, 320, 3), np.uint8)) == [Region(32, 32, 32, 64)]


@pytest.mark.parametrize("shape", [(1, 300, 6), (1, 10, 86), (84, 10), (2, 84, 10), (1, 3 * 84, 85)])
def test_another_output_is_refused_with_what_is_understood(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = write_detector(tmp_path / "d.onnx", np.zeros(shape, np.float32))
    with pytest.raises(InvalidModel, match=r"gives \[.*expected \[1, N, 85\] of a YOLOX or \[1, 84, N\] of a YOLOv8"):
        PersonDetector(path)


@pytest.mark.parametrize("shape", [(1, SIDE, SIDE, 3), (1, 1, SIDE, SIDE), (4, 3, SIDE, SIDE)])
def test_another_input_is_refused_with_what_is_understood(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = write_detector(tmp_path / "d.onnx", yolov8([ANN]), shape=shape)
    with pytest.raises(InvalidModel, match=r"takes .*expected one tensor\(float\) of \[1, 3, height, width\]"):
        PersonDetector(path)


def test_what_is_no_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="cannot be read"):
        PersonDetector(tmp_path / "nowhere.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(InvalidModel, match="cannot load"):
        PersonDetector(tmp_path / "text.onnx")
    path = write_detector(tmp_path / "d.onnx", yolov8([ANN]))
    with pytest.raises(InvalidParameter, match="threshold"):
        PersonDetector(path, threshold=1.0)
