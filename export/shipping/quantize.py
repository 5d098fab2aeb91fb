"""A static int8 version of an fp32 ONNX model, in QDQ form, calibrated on training people's pictures.

Only convolutions, their additions and clippings become int8 (activations uint8, weights int8 a channel): scaling,
pooling, head and L2 stay float. Clip has to be among them: left out, a convolution's output would be quantised over
its range before ReLU6 cuts it, and most of the 256 levels would be spent on what is thrown away.
What rounding adds to a channel on average is taken back (`bias_correction`); which of them stay in float is searched
for by `mixed_precision`.

CPUs without VNNI add two products of uint8 and int8 in 16 bits, which saturate. Weights of 7 bits cannot, and give the
same embeddings on every CPU, at some cost; weights of 8 bits want a VNNI CPU wherever the model runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from export.shipping.bias_correction import give_own_biases, mean_errors, take_back, weighted_convolutions
from gallery.domain import Pixels

WeightBits: TypeAlias = Literal[7, 8]

_OPERATORS = ["Conv", "Add", "Clip"]
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Unit:
    """What becomes int8 or stays in float together: convolutions of the same weights, or all residual additions.

    A mirrored network has each convolution twice, once for each way of looking. ``nodes`` are these ``operations`` and
    the clippings after them.
    """

    operations: tuple[str, ...]
    nodes: tuple[str, ...]


class Quantizer:
    """An fp32 model that is made int8 in several ways; its ranges are measured once."""

    def __init__(self, fp32: bytes, calibration: Pixels, weight_bits: WeightBits, folder: Path) -> None:
        """``calibration`` is uint8 RGB [n, height, width, 3] of people who trained; ``folder`` is empty and its own."""
        self._calibration, self._weight_bits, self._folder = calibration, weight_bits, folder
        self._source = folder / "prepared.onnx"
        (folder / "fp32.onnx").write_bytes(fp32)
        # Folds the batch normalisation that is left over into the convolutions, before ranges are measured.
        quant_pre_process(str(folder / "fp32.onnx"), str(self._source), skip_symbolic_shape=True)
        self._prepared = onnx.load(self._source)
        give_own_biases(self._prepared)
        self.units = _units(self._prepared)
        self._errors: dict[str, NDArray[np.float32]] = {}
        rounded = onnx.load_model_from_string(self.without([]))
        self._errors = mean_errors(self._prepared, rounded, calibration)

    def without(self, left_in_float: Sequence[Unit]) -> bytes:
        """Make everything int8 but these units; the file has no card."""
        return self._made([unit for unit in self.units if unit not in left_in_float])

    def only(self, unit: Unit) -> bytes:
        """Make nothing but this unit int8."""
        return self._made([unit])

    def _made(self, units: Sequence[Unit]) -> bytes:
        nodes = [name for unit in units for name in unit.nodes]
        errors = {name: self._errors[name] for name in nodes if name in self._errors}
        onnx.save(take_back(self._prepared, errors), self._source)
        target = self._folder / "int8.onnx"
        quantize_static(
            str(self._source),
            str(target),
            _Calibration(self._calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_OPERATORS,
            per_channel=True,
            reduce_range=self._weight_bits == 7,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            calibration_cache_path=self._folder / "ranges.json",
            nodes_to_quantize=nodes,
        )
        model = onnx.load(target)
        del model.metadata_props[:]
        return bytes(model.SerializeToString())


def _units(model: onnx.ModelProto) -> tuple[Unit, ...]:
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    clips = {node.input[0]: node.name for node in model.graph.node if node.op_type == "Clip"}
    alike: dict[str, list[onnx.NodeProto]] = {}
    for node in weighted_convolutions(model):
        array = onnx.numpy_helper.to_array(weights[node.input[1]])
        alike.setdefault(f"{array.shape} {sha256(array.tobytes()).hexdigest()}", []).append(node)
    units = [Unit(tuple(node.name for node in nodes), _with_clips(nodes, clips)) for nodes in alike.values()]
    # Others, of scaling and head, would gain nothing.
    convolved = {node.output[0] for nodes in alike.values() for node in nodes}
    additions = [node for node in model.graph.node if node.op_type == "Add" and convolved.intersection(node.input)]
    if not additions:
        return tuple(units)
    return (*units, Unit(tuple(node.name for node in additions), _with_clips(additions, clips)))


def _with_clips(nodes: Sequence[onnx.NodeProto], clips: dict[str, str]) -> tuple[str, ...]:
    return tuple(name for node in nodes for name in (node.name, clips.get(node.output[0])) if name is not None)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pixels: Pixels) -> None:
        self._batches: Iterator[dict[str, Pixels]] = iter(
            [{"images": pixels[start : start + _BATCH]} for start in range(0, len(pixels), _BATCH)]
        )

    def get_next(self) -> dict[str, Pixels] | None:
        return next(self._batches, None)
