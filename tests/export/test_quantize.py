import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.evaluation.compare import interleaved_speed
from export.evaluation.models import Model
from export.shipping.quantize import WeightBits, quantize, rounded, sensitive_convolutions
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


@pytest.mark.parametrize("bits", [7, 8])
def test_int8_embeds_nearly_as_fp32_and_takes_any_batch(bits: WeightBits) -> None:
    model = network()
    quantized = quantize(model, pictures(32), bits)
    fp32, int8 = embed_with(model)(pictures(20)), embed_with(quantized.model)(pictures(20))
    assert np.sum(fp32 * int8, axis=1).mean() > 0.99
    assert not np.array_equal(fp32, int8)
    assert quantized.left_in_float == ()
    tensors = onnx.load_model_from_string(quantized.model).graph.initializer
    weights = [numpy_helper.to_array(tensor) for tensor in tensors if tensor.data_type == TensorProto.INT8]
    assert max(np.abs(tensor.astype(int)).max() for tensor in weights) == {7: 64, 8: 127}[bits]


def test_a_convolution_whose_levels_go_to_a_few_large_taps_is_left_in_float() -> None:
    model = network(large_tap=60.0)
    assert sensitive_convolutions(onnx.load_model_from_string(model), pictures(16), 8) == ["conv_one"]
    assert quantize(model, pictures(32), 8).left_in_float == ("conv_one",)


def test_looking_for_sensitive_convolutions_changes_nothing() -> None:
    proto = onnx.load_model_from_string(network(large_tap=60.0))
    before = proto.SerializeToString()
    sensitive_convolutions(proto, pictures(4), 7)
    assert proto.SerializeToString() == before


@pytest.mark.parametrize(("bits", "levels"), [(7, 63), (8, 127)])
@pytest.mark.parametrize("shape", [(4, 3, 3, 3), (5, 7)])
def test_rounding_gives_each_channel_its_own_levels(shape: tuple[int, ...], bits: WeightBits, levels: int) -> None:
    weights = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for channel, (before, after) in enumerate(zip(weights, rounded(weights, bits), strict=True)):
        step = np.abs(weights[channel]).max() / levels
        assert np.abs(before - after).max() <= step / 2 * 1.0001
        assert np.allclose(after / step, np.round(after / step), atol=1e-3)


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
