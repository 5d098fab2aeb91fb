from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.errors import InvalidData
from export.evaluation.compare import interleaved_speed
from export.evaluation.models import Model
from export.shipping.mixed_precision import Pictures, Quantized, quantize
from export.shipping.quantize import Quantizer, WeightBits
from export.shipping.to_onnx import embed_with
from gallery.domain import Pixels

HEIGHT, WIDTH = 16, 8


def network(*, large_tap: float = 0.0) -> bytes:
    """Two convolutions with ReLU6 between them; ``large_tap`` takes most of the first one's levels."""
    random = np.random.default_rng(2)
    first = random.normal(0, 0.1, (8, 3, 3, 3)).astype(np.float32)
    first[:, 0, 0, 0] += large_tap
    first[:, 0, 0, 1] -= large_tap
    second = random.normal(0, 0.2, (6, 8, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["floats", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "first"], ["one"], name="conv_one", pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["one", "zero", "six"], ["cut"]),
        helper.make_node("Conv", ["cut", "second"], ["two"], name="conv_two"),
        helper.make_node("GlobalAveragePool", ["two"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("LpNormalization", ["flat"], ["embedding"], axis=1, p=2),
    ]
    constants = {"scale": np.full(1, 1 / 255, np.float32), "zero": np.zeros((), np.float32)}
    constants |= {"six": np.full((), 6, np.float32), "first": first, "second": second}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 6])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def pictures(n: int) -> Pixels:
    """Smooth colours that are the same all over a picture: a difference of neighbours sees nothing in them."""
    colours = np.random.default_rng(3).integers(0, 256, (n, 1, 1, 3), dtype=np.uint8)
    return np.broadcast_to(colours, (n, HEIGHT, WIDTH, 3)).copy()


def quantized(model: bytes, bits: WeightBits = 8, cosine: float = 0.99) -> Quantized:
    return quantize(model, Pictures(pictures(32), pictures(20)), bits, cosine, lambda done: None)


@pytest.mark.parametrize("bits", [7, 8])
def test_int8_embeds_nearly_as_fp32_and_takes_any_batch(bits: WeightBits) -> None:
    model = network()
    int8 = quantized(model, bits)
    before, after = embed_with(model)(pictures(20)), embed_with(int8.model)(pictures(20))
    assert int8.cosine == pytest.approx(np.sum(before * after, axis=1).mean(), abs=1e-6)
    assert int8.cosine > 0.99
    assert not np.array_equal(before, after)
    assert int8.left_in_float == ()
    tensors = onnx.load_model_from_string(int8.model).graph.initializer
    weights = [numpy_helper.to_array(tensor) for tensor in tensors if tensor.data_type == TensorProto.INT8]
    assert max(np.abs(tensor.astype(int)).max() for tensor in weights) == {7: 64, 8: 127}[bits]


def test_a_convolution_whose_levels_go_to_a_few_large_taps_is_left_in_float() -> None:
    model = network(large_tap=60.0)
    assert quantized(model, cosine=-1.0).cosine < 0.99
    mixed = quantized(model)
    assert mixed.left_in_float == ("conv_one",)
    assert mixed.cosine >= 0.99
    assert mixed.sensitivities["conv_one"] > 0.01 > mixed.sensitivities["conv_two"]


def test_nothing_is_int8_at_a_cosine_that_nothing_int8_reaches() -> None:
    with pytest.raises(InvalidData, match="nothing can be int8 with a mean cosine of 0\\.99999"):
        quantized(network(), cosine=0.99999)


def test_convolutions_of_the_same_weights_are_one_unit_and_so_are_the_residual_additions(tmp_path: Path) -> None:
    proto = onnx.load_model_from_string(network())
    nodes = {node.name: node for node in proto.graph.node}
    twin = onnx.NodeProto()
    twin.CopyFrom(nodes["conv_one"])
    twin.name, twin.output[0] = "conv_twin", "one_again"
    twin.attribute[0].CopyFrom(helper.make_attribute("pads", [0, 0, 2, 2]))  # a copy would be merged
    both = helper.make_node("Add", ["one", "one_again"], ["sum"], name="sum")
    clip = next(node for node in proto.graph.node if node.op_type == "Clip")
    clip.input[0] = "sum"
    proto.graph.node.insert(4, twin)
    proto.graph.node.insert(5, both)
    proto.graph.node.insert(9, helper.make_node("Add", ["flat", "flat"], ["doubled"], name="head_sum"))
    proto.graph.node[-1].input[0] = "doubled"  # an addition that has no convolution before it stays as it is
    units = Quantizer(bytes(proto.SerializeToString()), pictures(16), 8, tmp_path).units
    assert [unit.operations for unit in units] == [("conv_one", "conv_twin"), ("conv_two",), ("sum",)]


def test_speeds_are_measured_in_turns_and_told_beside_the_first_model() -> None:
    calls: list[tuple[str, int]] = []

    def model(name: str) -> Model:
        def embed(pixels: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            calls.append((name, len(pixels)))
            sum(range(10_000))  # some CPU time, so that a ratio exists
            return np.zeros((len(pixels), 4), np.float32)

        return Model(name, HEIGHT, WIDTH, embed)

    own = pictures(8)
    speeds = interleaved_speed([model("a"), model("b")], [own, own], rounds=3)
    assert [(speed.name, speed.batch) for speed in speeds] == [("a", 1), ("b", 1), ("a", 8), ("b", 8)]
    assert all(speed.ratio == 1.0 for speed in speeds if speed.name == "a")
    assert calls[:8] == [("a", 1), ("b", 1)] * 4
