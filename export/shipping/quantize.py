"""A static int8 version of an fp32 ONNX model, in QDQ form, calibrated on training people's pictures.

Only convolutions, their additions and clippings become int8 (activations uint8, weights int8 a channel): scaling,
pooling, head and L2 stay float. Clip has to be among them: left out, a convolution's output would be quantised over
its range before ReLU6 cuts it, and most of the 256 levels would be spent on what is thrown away.
A convolution whose weights alone, rounded, turn the embedding too far stays in float. In MobileNetV2 that is the first
depthwise layer and the projection after it, as a rule: a few large taps take all the levels of their channel.

CPUs without VNNI add two products of uint8 and int8 in 16 bits, which saturate. Weights of 7 bits cannot, and give the
same embeddings on every CPU, at some cost; weights of 8 bits want a VNNI CPU wherever the model runs.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from export.shipping.packaging import embed_in_chunks
from export.shipping.to_onnx import embed_with
from gallery.domain import Pixels

WeightBits: TypeAlias = Literal[7, 8]

LARGEST_TURN = 0.005  # mean cosine distance to fp32 that one convolution's rounded weights may cause
PROBES = 32

_OPERATORS = ["Conv", "Add", "Clip"]
_BATCH = 16


@dataclass(frozen=True)
class Quantized:
    """The int8 model's bytes without a card, and the names of the convolutions left in float."""

    model: bytes
    left_in_float: tuple[str, ...]


def quantize(fp32: bytes, calibration: Pixels, weight_bits: WeightBits) -> Quantized:
    """Quantise an fp32 model. ``calibration`` are pictures of people who trained: uint8 RGB [n, height, width, 3]."""
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder) / name for name in ("fp32.onnx", "prepared.onnx", "int8.onnx"))
        source.write_bytes(fp32)
        # Folds the batch normalisation that is left over into the convolutions, before ranges are measured.
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        kept = sensitive_convolutions(onnx.load(prepared), calibration[:PROBES], weight_bits)
        quantize_static(
            str(prepared),
            str(target),
            _Calibration(calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_OPERATORS,
            per_channel=True,
            reduce_range=weight_bits == 7,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=kept,
        )
        model = onnx.load(target)
    del model.metadata_props[:]
    return Quantized(bytes(model.SerializeToString()), tuple(kept))


def sensitive_convolutions(model: onnx.ModelProto, pixels: Pixels, weight_bits: WeightBits) -> list[str]:
    """Name the convolutions whose rounded weights alone turn the embeddings of ``pixels`` by more than LARGEST_TURN."""
    expected = embed_in_chunks(embed_with(model.SerializeToString()))(pixels)
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type != "Conv" or node.input[1] not in initializers:
            continue
        tensor = initializers[node.input[1]]
        weights = onnx.numpy_helper.to_array(tensor)
        tensor.CopyFrom(onnx.numpy_helper.from_array(rounded(weights, weight_bits), tensor.name))
        turned = embed_in_chunks(embed_with(model.SerializeToString()))(pixels)
        tensor.CopyFrom(onnx.numpy_helper.from_array(weights, tensor.name))
        if 1.0 - float(np.mean(np.sum(expected * turned, axis=1))) > LARGEST_TURN:
            found.append(node.name)
    return found


def rounded(weights: NDArray[np.float32], bits: WeightBits) -> NDArray[np.float32]:
    """Round weights [out, …] to the 255 (8 bits) or 127 (7) symmetric levels of each output channel."""
    largest = np.abs(weights).reshape(len(weights), -1).max(axis=1)
    step = np.maximum(largest, 1e-12).reshape(-1, *[1] * (weights.ndim - 1)) / (2 ** (bits - 1) - 1)
    return np.asarray(np.round(weights / step) * step, np.float32)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pixels: Pixels) -> None:
        self._batches: Iterator[dict[str, Pixels]] = iter(
            [{"images": pixels[start : start + _BATCH]} for start in range(0, len(pixels), _BATCH)]
        )

    def get_next(self) -> dict[str, Pixels] | None:
        return next(self._batches, None)
