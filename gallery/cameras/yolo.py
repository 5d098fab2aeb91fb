"""What a YOLO's output means: boxes and scores of people, in pixels of the detector's input.

Two layouts of detectors trained on COCO, whose class 0 is "person":

* YOLOX, float32 [1, N, 85]: a row is centre x, centre y, width, height, objectness, 80 class scores; a person's score
  is objectness x score. As Megvii's tools/export_onnx.py writes it, N is the number of cells of grids of stride 8, 16
  and 32, and boxes are relative to their cells; with --decode_in_inference they are in pixels. Both are understood.
* YOLOv8 and its successors, float32 [1, 84, N]: a column is centre x, centre y, width, height in pixels, 80 scores.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gallery.errors import InvalidModel

_STRIDES = (8, 16, 32)
_COCO_CLASSES = 80

EXPECTED = (
    "[1, N, 85] of a YOLOX or [1, 84, N] of a YOLOv8, trained on the 80 classes of COCO, without non-maximum "
    "suppression in the graph"
)


class Layout(StrEnum):
    """Whose output it is, and so what the detector wants to see: YOLOX takes BGR in 0 to 255, YOLOv8 RGB in 0 to 1."""

    YOLOX = "YOLOX"
    YOLOV8 = "YOLOv8"


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Boxes float32 [n, 4] as left, top, width and height, and the person's score of each, float32 [n] in [0, 1]."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]


def layout_of(shape: tuple[int, ...], input_size: tuple[int, int], name: str) -> Layout:
    """Tell the layout of an output of ``shape`` for an input of (height, width); raises InvalidModel."""
    if len(shape) == 3 and shape[0] == 1:
        if shape[2] == 5 + _COCO_CLASSES:
            if shape[1] == 3 * _cells(input_size):
                raise InvalidModel(
                    f"the detector {name} gives {list(shape)}: three anchors a cell, as a YOLOv5 does, whose input is "
                    "scaled differently",
                    expected=EXPECTED,
                )
            return Layout.YOLOX
        if shape[1] == 4 + _COCO_CLASSES:
            return Layout.YOLOV8
    raise InvalidModel(f"the detector {name} gives {list(shape)}", expected=EXPECTED)


def people_in(output: NDArray[np.float32], layout: Layout, input_size: tuple[int, int]) -> Scored:
    """Read the boxes and the scores for "person" of an output for an input of (height, width)."""
    if layout is Layout.YOLOV8:
        rows = output[0].T
        return Scored(_cornered(rows[:, :4]), rows[:, 4])
    rows = output[0]
    boxes = rows[:, :4]
    if len(boxes) == _cells(input_size) and _is_relative(boxes, input_size):
        boxes = _in_pixels(boxes, input_size)
    return Scored(_cornered(boxes), rows[:, 4] * rows[:, 5])


def _cells(input_size: tuple[int, int]) -> int:
    return sum((input_size[0] // stride) * (input_size[1] // stride) for stride in _STRIDES)


def _is_relative(boxes: NDArray[np.float32], input_size: tuple[int, int]) -> bool:
    """Whether centres are counted from their cells: in pixels, those of the last column of cells lie far right."""
    return float(boxes[:, 0].max()) < input_size[1] / 2


def _in_pixels(boxes: NDArray[np.float32], input_size: tuple[int, int]) -> NDArray[np.float32]:
    """Decode YOLOX's boxes (`demo_postprocess` in its repository): cells row by row, the finest grid first."""
    cells, strides = [], []
    for stride in _STRIDES:
        rows, columns = input_size[0] // stride, input_size[1] // stride
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((rows * columns, 1), stride))
    scale = np.concatenate(strides)
    centres = (boxes[:, :2] + np.concatenate(cells)) * scale
    return np.concatenate([centres, np.exp(boxes[:, 2:]) * scale], axis=1).astype(np.float32)


def _cornered(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
