import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.shipping.bias_correction import give_own_biases, mean_errors, take_back, weighted_convolutions
from gallery.domain import Pixels

CHANNELS = 3


def network(*, groups: int, levels: bool) -> onnx.ModelProto:
    """Two convolutions, the second of them without a bias; with ``levels`` their weights are rounded coarsely."""
    random = np.random.default_rng(5)
    nodes = [helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT)]
    nodes += [helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2])]
    constants: dict[str, NDArray[np.generic]] = {"bias": random.normal(0, 1, CHANNELS).astype(np.float32)}
    for name, source, given in (("one", "planes", ["bias"]), ("two", "one_out", [])):
        weights = random.normal(0.2, 1, (CHANNELS, CHANNELS // groups, 3, 3)).astype(np.float32)
        scale = np.abs(weights).max(axis=(1, 2, 3)) / 7
        if levels:
            constants |= {f"{name}_levels": np.round(weights / scale.reshape(-1, 1, 1, 1)).astype(np.int8)}
            constants |= {f"{name}_scale": scale, f"{name}_zero": np.zeros(CHANNELS, np.int8)}
            inputs = [f"{name}_levels", f"{name}_scale", f"{name}_zero"]
            nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{name}_weights"], axis=0))
        else:
            constants[f"{name}_weights"] = weights
        inputs = [source, f"{name}_weights", *given]
        conv = helper.make_node("Conv", inputs, [f"{name}_out"], name=name, pads=[1, 1, 1, 1], group=groups)
        conv.attribute.append(helper.make_attribute("strides", [2, 2]))
        nodes.append(conv)
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 10, 6, CHANNELS])],
        [helper.make_empty_tensor_value_info(f"{name}_out") for name in ("one", "two")],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def outputs(model: onnx.ModelProto, pixels: Pixels) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(one) for one in session.run(["one_out", "two_out"], {"images": pixels})]


def pictures() -> Pixels:
    return np.random.default_rng(6).integers(0, 256, (21, 10, 6, CHANNELS), dtype=np.uint8)


@pytest.mark.parametrize("groups", [1, CHANNELS])
def test_what_rounding_adds_to_the_mean_is_found_and_taken_back(groups: int) -> None:
    fp32, rounded = network(groups=groups, levels=False), network(groups=groups, levels=True)
    give_own_biases(fp32)
    errors = mean_errors(fp32, rounded, pictures())
    exact, coarse = outputs(fp32, pictures())[0], outputs(rounded, pictures())[0]
    added = (coarse - exact).mean(axis=(0, 2, 3))
    assert np.abs(added).min() > 0.1
    np.testing.assert_allclose(errors["one"], added, rtol=1e-4, atol=1e-4)
    corrected = take_back(fp32, {"one": errors["one"]})
    shift = (outputs(corrected, pictures())[0] - exact).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(shift, -added, rtol=1e-4, atol=1e-3)
    assert len({node.input[2] for node in weighted_convolutions(corrected)}) == 2
    before, after = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        for model in (fp32, corrected)
    )
    np.testing.assert_array_equal(before["two/bias"], after["two/bias"])


def test_convolutions_with_biases_of_their_own_give_what_they_gave() -> None:
    model = network(groups=1, levels=False)
    expected = outputs(model, pictures())
    next(node for node in model.graph.node if node.name == "two").input.append("bias")  # one bias for both
    shared = outputs(model, pictures())
    give_own_biases(model)
    assert [node.input[2] for node in weighted_convolutions(model)] == ["one/bias", "two/bias"]
    assert "bias" not in {tensor.name for tensor in model.graph.initializer}
    for before, after in zip(shared, outputs(model, pictures()), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-4)
    assert not np.allclose(expected[1], shared[1])
