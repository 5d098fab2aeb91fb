"""A person detector that the user supplies: an ONNX file of a YOLOX or a YOLOv8 (`gallery.cameras.yolo`).

Its one input is float32 [1, 3, height, width]; where the file leaves height and width open, 640. A frame is shrunk or
enlarged into it without changing its shape, from the upper left corner, on grey (114), as those detectors were trained.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gallery.cameras.yolo import EXPECTED, Layout, layout_of, people_in
from gallery.domain import Pixels, Region
from gallery.errors import InvalidModel, InvalidParameter
from gallery.onnx_embedder import open_session

USUAL_THRESHOLD = 0.5
MOST_PEOPLE = 64  # the service takes no more of one frame

_USUAL_SIDE = 640
_GREY = 114
_SAME_PERSON = 0.5  # intersection over union above which the weaker of two boxes goes


class PersonDetector:
    """Finds people in frames; raises InvalidModel for a file that is no detector it understands."""

    def __init__(self, path: Path, *, threshold: float = USUAL_THRESHOLD) -> None:
        """Open the file and try it on a grey picture; boxes need a score of ``threshold``, in (0, 1)."""
        if not 0.0 < threshold < 1.0:
            raise InvalidParameter(
                f"the detector's threshold {threshold} is no score", expected="more than 0, less than 1"
            )
        try:
            model = path.read_bytes()
        except OSError as error:
            raise InvalidModel(
                f"the detector {path} cannot be read ({error.strerror})", expected="an ONNX file"
            ) from error
        self._name = str(path)
        self._threshold = threshold
        self._session = open_session(model, self._name)
        self._input, self._size = self._checked_input()
        grey = np.full((1, 3, *self._size), _GREY, np.float32)
        self._layout = layout_of(self._run(grey).shape, self._size, self._name)

    def people(self, frame: Pixels) -> list[Region]:
        """Find the people of uint8 BGR [height, width, 3]: boxes within the frame, the surest first, 64 at most."""
        batch, scale = self._letterboxed(frame)
        found = people_in(self._run(batch), self._layout, self._size)
        sure = found.scores >= self._threshold
        boxes, scores = found.boxes[sure] / scale, found.scores[sure]
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self._threshold, _SAME_PERSON)
        within = (_within(boxes[int(index)], frame.shape[:2]) for index in np.asarray(kept).ravel())
        return [region for region in within if region is not None][:MOST_PEOPLE]

    def _letterboxed(self, frame: Pixels) -> tuple[NDArray[np.float32], float]:
        """Fit a frame into the input; returns it and the factor from the frame's pixels to the input's."""
        height, width = self._size
        scale = min(height / frame.shape[0], width / frame.shape[1])
        shape = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
        canvas = np.full((height, width, 3), _GREY, np.uint8)
        canvas[: shape[1], : shape[0]] = cv2.resize(frame, shape, interpolation=cv2.INTER_LINEAR)
        if self._layout is Layout.YOLOV8:
            return np.asarray(cv2.dnn.blobFromImage(canvas, 1 / 255, swapRB=True), np.float32), scale
        return np.asarray(cv2.dnn.blobFromImage(canvas), np.float32), scale

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            outputs = self._session.run(None, {self._input: batch})
        except Exception as error:  # ONNX Runtime raises nine unrelated classes
            raise InvalidModel(
                f"the detector {self._name} fails: {error}", expected="a detector of one picture"
            ) from error
        if len(outputs) != 1:
            raise InvalidModel(f"the detector {self._name} gives {len(outputs)} outputs", expected=f"one, {EXPECTED}")
        return np.asarray(outputs[0], np.float32)

    def _checked_input(self) -> tuple[str, tuple[int, int]]:
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if (
            len(shape) != 4
            or inputs[0].type != "tensor(float)"
            or shape[1] != 3
            or (shape[0] not in (1, None) and (isinstance(shape[0], int)))
        ):
            raise InvalidModel(
                f"the detector {self._name} takes {[(node.name, node.type, node.shape) for node in inputs]}",
                expected="one tensor(float) of [1, 3, height, width]",
            )
        height, width = (side if isinstance(side, int) else _USUAL_SIDE for side in shape[2:])
        return str(inputs[0].name), (height, width)


def _within(box: NDArray[np.float32], size: tuple[int, ...]) -> Region | None:
    """Round a box to pixels of a frame of (height, width); None where nothing of it is left."""
    left, top = max(0, round(float(box[0]))), max(0, round(float(box[1])))
    right, bottom = min(size[1], round(float(box[0] + box[2]))), min(size[0], round(float(box[1] + box[3])))
    return Region(left, top, right - left, bottom - top) if right > left and bottom > top else None
