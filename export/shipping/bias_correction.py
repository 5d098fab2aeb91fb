"""What rounded weights add to a convolution's outputs on average, to be taken back in its bias.

A channel's rounding errors do not cancel over pictures: inputs behind a ReLU are never negative, and each error is
multiplied by its input's mean. A depthwise channel has nine weights, so the sum is far from nothing, and every later
layer sees maps that are all a little too light or too dark. A bias is float's to choose and costs no time (bias
correction: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019, section 4.2;
here with means that were measured). With it all of MobileNetV2 can be int8.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from gallery.domain import Pixels

_BATCH = 8  # every convolution's input is in memory at once


def give_own_biases(model: onnx.ModelProto) -> None:
    """Give each convolution of constant weights a bias of its own, named after it; what it adds stays the same."""
    constants = _constants(model)
    for node in weighted_convolutions(model):
        old = constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(constants[node.input[1]]), np.float32)
        name = f"{node.name}/bias"
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(old, np.float32), name))
        node.input[:] = [*node.input[:2], name]
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def weighted_convolutions(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the convolutions whose weights are constants, in the graph's order."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [node for node in model.graph.node if node.op_type == "Conv" and node.input[1] in constants]


def mean_errors(fp32: onnx.ModelProto, int8: onnx.ModelProto, pixels: Pixels) -> dict[str, NDArray[np.float32]]:
    """Return for each convolution, by name, the mean over ``pixels`` of what rounding adds: float32 [channels].

    ``int8`` is ``fp32`` in QDQ form with all convolutions quantised. The mean of a convolution is the convolution of
    the mean, borders included, so one look at the fp32 inputs is enough.
    """
    exact, rounded = _constants(fp32), _rounded_weights(int8)
    convolutions = weighted_convolutions(fp32)
    means = _means(fp32, sorted({node.input[0] for node in convolutions}), pixels)
    errors = {}
    for node in convolutions:
        added = _convolved(node, means[node.input[0]], rounded[node.name] - exact[node.input[1]], fp32.opset_import)
        errors[node.name] = added.mean(axis=(0, 2, 3))
    return errors


def take_back(model: onnx.ModelProto, errors: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """Return a copy of ``model``, whose convolutions own their biases, with these convolutions' errors taken back."""
    corrected = onnx.ModelProto()
    corrected.CopyFrom(model)
    biases = {tensor.name: tensor for tensor in corrected.graph.initializer}
    for node in weighted_convolutions(corrected):
        if node.name in errors:
            bias = biases[node.input[2]]
            bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) - errors[node.name], bias.name))
    return corrected


def _constants(model: onnx.ModelProto) -> dict[str, NDArray[np.float32]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def _rounded_weights(int8: onnx.ModelProto) -> dict[str, NDArray[np.float32]]:
    constants = _constants(int8)
    back = {node.output[0]: node for node in int8.graph.node if node.op_type == "DequantizeLinear"}
    found = {}
    for node in int8.graph.node:
        source = back.get(node.input[1]) if node.op_type == "Conv" else None
        if source is not None and source.input[0] in constants:
            levels, scale = constants[source.input[0]].astype(np.float32), constants[source.input[1]]
            found[node.name] = levels * scale.reshape(-1, 1, 1, 1)  # symmetric: the zero point is 0
    return found


def _means(model: onnx.ModelProto, tensors: list[str], pixels: Pixels) -> dict[str, NDArray[np.float32]]:
    open_model = onnx.ModelProto()
    open_model.CopyFrom(model)
    del open_model.graph.output[:]
    open_model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in tensors)
    session = _session(open_model)
    starts = range(0, len(pixels), _BATCH)
    sums = [
        [np.sum(maps, axis=0, keepdims=True) for maps in session.run(tensors, {"images": pixels[at : at + _BATCH]})]
        for at in starts
    ]
    return {name: np.sum(own, axis=0) / len(pixels) for name, own in zip(tensors, zip(*sums, strict=True), strict=True)}


def _convolved(
    node: onnx.NodeProto,
    maps: NDArray[np.float32],
    weights: NDArray[np.float32],
    opsets: Iterable[onnx.OperatorSetIdProto],
) -> NDArray[np.float32]:
    alone = onnx.NodeProto()
    alone.CopyFrom(node)
    alone.input[:], alone.output[:] = ["maps", "weights"], ["added"]
    inputs = [helper.make_tensor_value_info("maps", onnx.TensorProto.FLOAT, maps.shape)]
    constants = [numpy_helper.from_array(weights.astype(np.float32), "weights")]
    graph = helper.make_graph([alone], "alone", inputs, [helper.make_empty_tensor_value_info("added")], constants)
    model = helper.make_model(graph, opset_imports=list(opsets), ir_version=9)
    return np.asarray(_session(model).run(["added"], {"maps": maps})[0])


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
