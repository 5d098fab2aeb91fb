"""From a Keras model to an ONNX file that can be trusted: conversion, parity, golden pictures, card.

The graph takes uint8 RGB [batch, height, width, 3] named 'images' and gives float32 [batch, dimension] named
'embedding', unit rows; the Keras model has scaling and L2 normalisation inside.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import keras
import numpy as np
import onnx

from gallery.domain import Embedding, Pixels
from gallery.drawn_people import draw_person
from gallery.errors import InvalidModel
from gallery.model_card import CARD_KEY, GoldenSample, ModelCard
from gallery.onnx_embedder import OUTPUT_NAME, open_session

OPSET = 18
PARITY_TOLERANCE = 1e-4  # largest |difference| of one number; conversions here differ by about 2e-6
GOLDEN_PEOPLE = 4

Embed = Callable[[Pixels], Embedding]


@dataclass(frozen=True)
class Parity:
    """The largest |Keras - ONNX| over all numbers of all embeddings, alone and in a batch of ``n``."""

    batch_1: float
    batch_n: float
    n: int


def convert(model: keras.Model) -> bytes:
    """Convert an embedding model to an ONNX file's bytes, without metadata; raises InvalidModel.

    ``model`` takes uint8 [batch, height, width, 3] and gives float32 [batch, dimension]. Needs the TensorFlow backend.
    """
    if keras.backend.backend() != "tensorflow":
        raise InvalidModel(
            f"Keras runs on {keras.backend.backend()} here, and tf2onnx reads TensorFlow graphs",
            remedy="export with KERAS_BACKEND=tensorflow; a .keras file of any backend loads there",
        )
    import tensorflow as tf  # noqa: PLC0415 - heavy, and absent where the backend is another
    import tf2onnx  # noqa: PLC0415

    height, width = input_size(model)
    signature = [tf.TensorSpec((None, height, width, 3), tf.uint8, name="images")]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator,unused-ignore]
    def embed(images: Any) -> dict[str, Any]:
        return {OUTPUT_NAME: model(images, training=False)}

    proto, _ = tf2onnx.convert.from_function(embed, input_signature=signature, opset=OPSET)
    del proto.metadata_props[:]
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString())


def input_size(model: keras.Model) -> tuple[int, int]:
    """Return the model's input as (height, width) in pixels; raises InvalidModel unless it is of fixed size."""
    shape = tuple(model.input_shape)
    if len(shape) != 4 or shape[3] != 3 or None in shape[1:]:
        raise InvalidModel(f"the Keras model takes {shape}", expected="[batch, height, width, 3] of fixed size")
    return int(shape[1]), int(shape[2])


def embed_with(onnx_model: bytes) -> Embed:
    """Return a function that embeds uint8 [n, height, width, 3] in one batch, for a file without a card."""
    session = open_session(onnx_model, "the converted model")

    def embed(pixels: Pixels) -> Embedding:
        return np.asarray(session.run([OUTPUT_NAME], {"images": pixels})[0], np.float32)

    return embed


def checked_parity(model: keras.Model, onnx_model: bytes, pixels: Pixels) -> Parity:
    """Compare both models on ``pixels``, one by one and in one batch; raises InvalidModel above PARITY_TOLERANCE."""
    expected = np.asarray(model.predict(pixels, batch_size=len(pixels), verbose=0))
    embed = embed_with(onnx_model)
    together = embed(pixels)
    alone = np.concatenate([embed(pixels[row : row + 1]) for row in range(len(pixels))])
    parity = Parity(float(np.abs(alone - expected).max()), float(np.abs(together - expected).max()), len(pixels))
    if not max(parity.batch_1, parity.batch_n) <= PARITY_TOLERANCE:  # a NaN is refused too
        raise InvalidModel(
            f"the ONNX file differs from Keras by {parity.batch_1:.2g} alone and {parity.batch_n:.2g} in a batch",
            expected=f"at most {PARITY_TOLERANCE:g} in any number",
        )
    return parity


def golden_pictures(height: int, width: int) -> Pixels:
    """Draw the pictures every card keeps: uint8 RGB [4, height, width, 3], of nobody."""
    return np.stack([draw_person(person, person, height=height, width=width) for person in range(GOLDEN_PEOPLE)])


def golden_samples(pixels: Pixels, embed: Embed) -> tuple[GoldenSample, ...]:
    """Keep each picture as PNG beside its embedding (seven decimals, alone in its batch)."""
    return tuple(_golden_sample(picture, embed(picture[None])[0]) for picture in pixels)


def with_card(onnx_model: bytes, card: ModelCard) -> bytes:
    """Write ``card`` into the file's metadata; raises InvalidModel when it is not this file's card."""
    proto = onnx.load_model_from_string(onnx_model)
    onnx.helper.set_model_props(proto, {CARD_KEY: card.model_dump_json()})
    carded = bytes(proto.SerializeToString())
    ModelCard.of(carded)
    return carded


def _golden_sample(picture: Pixels, embedding: Embedding) -> GoldenSample:
    _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return GoldenSample(
        image_png_base64=base64.b64encode(png.tobytes()).decode("ascii"),
        embedding=tuple(round(float(number), 7) for number in embedding),
    )
