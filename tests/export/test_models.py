from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from export.evaluation.models import Scaling, load_model
from gallery.domain import Pixels
from gallery.errors import InvalidModel
from tests.tiny_model import DIMENSION, HEIGHT, WIDTH, tiny_card, tiny_onnx, write_model

Floats: TypeAlias = NDArray[np.float64]

MEAN, DEVIATION = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


def pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 4, 3), dtype=np.uint8)


def foreign(path: Path, shape: list[int | str]) -> Path:
    """A network that gives its whole input back, flat."""
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["input"], ["output"])],
        "foreign",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [shape[0], None])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.parametrize("shape", [["n", 8, 4, 3], ["n", 3, 8, 4], [1, 3, 8, 4]])
def test_a_foreign_networks_layout_is_read_off_its_input(tmp_path: Path, shape: list[int | str]) -> None:
    model = load_model(foreign(tmp_path / "foreign.onnx", shape), "zero-to-one")
    assert (model.height, model.width) == (8, 4)
    fed = pixels().astype(np.float64) / 255
    expected = (fed if shape[3] == 3 else fed.transpose(0, 3, 1, 2)).reshape(5, -1)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(model.embed(pixels()), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ("none", lambda p: p),
        ("zero-to-one", lambda p: p / 255),
        ("minus-one-to-one", lambda p: p / 127.5 - 1),
        ("imagenet", lambda p: (p - MEAN) / DEVIATION),
    ],
)
def test_a_foreign_network_is_fed_with_the_scaling_that_was_named(
    tmp_path: Path, scaling: Scaling, expected: Callable[[Floats], Floats]
) -> None:
    wanted = expected(pixels().astype(np.float64)).reshape(5, -1)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    model = load_model(foreign(tmp_path / "foreign.onnx", ["n", 8, 4, 3]), scaling)
    assert np.allclose(model.embed(pixels()), wanted, atol=1e-5)


@pytest.mark.parametrize("shape", [["n", 8, 4, 1], ["n", 3, "height", "width"]])
def test_a_foreign_network_of_another_input_is_refused(tmp_path: Path, shape: list[int | str]) -> None:
    with pytest.raises(InvalidModel, match="foreign takes"):
        load_model(foreign(tmp_path / "foreign.onnx", shape), "none")


def test_a_carded_network_is_held_to_its_card(tmp_path: Path) -> None:
    network = tiny_onnx()
    model = load_model(write_model(tmp_path / "good.onnx", network, tiny_card(network)))
    assert model.card is not None
    assert (model.name, model.height, model.width) == ("good", HEIGHT, WIDTH)
    wrong = tiny_card(network).model_copy(update={"dimension": DIMENSION + 1})
    with pytest.raises(InvalidModel, match="as its card says"):
        load_model(write_model(tmp_path / "wrong.onnx", network, wrong))
