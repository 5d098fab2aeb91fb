"""A model of a few kilobytes with a true card, for tests that need a real file and a real session."""

import base64
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gallery.domain import Pixels
from gallery.model_card import CARD_KEY, GoldenSample, ModelCard, digest_of
from gallery.onnx_embedder import open_session

HEIGHT, WIDTH, DIMENSION = 32, 16, 8


def tiny_onnx(*, seed: int = 0, output_name: str = "embedding") -> bytes:
    """Pool uint8 [n, 32, 16, 3] to 4x2 cells, project them to 8 numbers of unit length; no card."""
    random = np.random.default_rng(seed)
    weights = random.normal(size=(4 * 2 * 3, DIMENSION)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["floats", "grey"], ["centred"]),
        helper.make_node("Transpose", ["centred"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["cells"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["projected"]),
        helper.make_node("LpNormalization", ["projected"], [output_name], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["n", DIMENSION])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.full(1, 127.5, np.float32), "grey")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def golden_sample(model: bytes, picture: Pixels) -> GoldenSample:
    """The picture as PNG and what the model makes of it."""
    embedding = open_session(model, "tiny").run(None, {"images": picture[None]})[0][0]
    _, png = cv2.imencode(".png", picture[..., ::-1])
    return GoldenSample(
        image_png_base64=base64.b64encode(png.tobytes()).decode(), embedding=tuple(map(float, embedding))
    )


def tiny_card(model: bytes) -> ModelCard:
    """A true card of the tiny model."""
    picture = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return ModelCard(
        name="tiny",
        digest=digest_of(model),
        height=HEIGHT,
        width=WIDTH,
        dimension=DIMENSION,
        threshold=0.3,
        golden=(golden_sample(model, picture),),
    )


def write_model(path: Path, model: bytes, card: ModelCard | None) -> Path:
    """Write the file with this card in its metadata, true or not, or with none."""
    proto = onnx.load_model_from_string(model)
    if card is not None:
        helper.set_model_props(proto, {CARD_KEY: card.model_dump_json()})
    path.write_bytes(proto.SerializeToString())
    return path
