"""Detectors of a few kilobytes that find the same boxes in every picture, in the layouts of their famous relatives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Found: TypeAlias = tuple[tuple[float, float, float, float], float, int]
"""Left, top, width and height in pixels of the input; score; class."""

SIDE = 64


def yolox(found: Sequence[Found]) -> NDArray[np.float32]:
    """[1, N, 85]: centre, size, objectness, 80 scores; the score is spread over the last two."""
    rows = np.zeros((1, len(found), 85), np.float32)
    for row, (box, score, kind) in zip(rows[0], found, strict=True):
        row[:4] = box[0] + box[2] / 2, box[1] + box[3] / 2, box[2], box[3]
        row[4] = row[5 + kind] = score**0.5
    return rows


def yolox_raw(found: Sequence[Found]) -> NDArray[np.float32]:
    """[1, 84, 85] for an input of 64: boxes relative to the cells of strides 8, 16, 32; each box takes one of 16's."""
    rows = np.zeros((1, 64 + 16 + 4, 85), np.float32)
    decoded = yolox(found)[0]
    for place, row in enumerate(decoded):
        cell = 64 + place
        row[:2] = row[:2] / 16 - (place % 4, place // 4)
        row[2:4] = np.log(row[2:4] / 16)
        rows[0, cell] = row
    return rows


def yolov8(found: Sequence[Found]) -> NDArray[np.float32]:
    """[1, 84, N]: centre, size, 80 scores, a column each."""
    columns = np.zeros((1, 84, len(found)), np.float32)
    for place, (box, score, kind) in enumerate(found):
        columns[0, :4, place] = box[0] + box[2] / 2, box[1] + box[3] / 2, box[2], box[3]
        columns[0, 4 + kind, place] = score
    return columns


def write_detector(
    path: Path,
    output: NDArray[np.float32],
    *,
    brightness: bool = False,
    shape: Sequence[int | str] = (1, 3, SIDE, SIDE),
) -> Path:
    """Write a graph that gives ``output``; with ``brightness`` times the mean of its input's first channel."""
    nodes = [helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0)]
    if brightness:
        nodes = [
            helper.make_node("Slice", ["images", "zero", "one", "axis"], ["first"]),
            helper.make_node("ReduceMean", ["first"], ["factor"], keepdims=0),
        ]
    else:
        nodes += [
            helper.make_node("Sub", ["mean", "mean"], ["nothing"]),
            helper.make_node("Exp", ["nothing"], ["factor"]),
        ]
    nodes.append(helper.make_node("Mul", ["fixed", "factor"], ["output"]))
    constants: dict[str, NDArray[Any]] = {
        "fixed": output,
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "axis": np.array([1], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, list(output.shape))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
