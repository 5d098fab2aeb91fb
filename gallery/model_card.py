"""The model card: what an ONNX file says of itself, and whether it is true.

The card is JSON in the file's metadata. Its digest is the SHA-256 of the file without its metadata, so the
card can hold it, and a card can be corrected (a threshold, a sentence) without making templates strangers.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gallery.errors import InvalidModel

CARD_KEY = "gallery.card"

_METADATA_FIELD = 14  # ModelProto.metadata_props, in onnx.proto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf's wire types


class GoldenSample(BaseModel):
    """A picture and the embedding the model gave it when it was exported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_png_base64: str
    embedding: tuple[float, ...]


class ModelCard(BaseModel):
    """What a model expects, what it gives and where it comes from.

    ``height`` and ``width`` are pixels; input is uint8 [batch, height, width, 3], output float32
    [batch, dimension] of unit rows. ``threshold`` is the default: the largest cosine distance that is a match.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    version: str = "1"
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    height: int = Field(gt=0, le=1024)
    width: int = Field(gt=0, le=1024)
    dimension: int = Field(gt=0, le=4096)
    color_order: Literal["RGB"] = "RGB"
    metric: Literal["cosine"] = "cosine"
    threshold: float = Field(ge=0.0, le=2.0)
    threshold_note: str = ""
    precision: Literal["fp32", "int8"] = "fp32"
    training_data: str = ""
    training_data_terms: str = ""
    provenance: dict[str, Any] = Field(default_factory=dict)
    figures: dict[str, Any] = Field(default_factory=dict)
    golden: tuple[GoldenSample, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "ModelCard":
        """Read and verify the card of the ONNX file at ``path``; raises InvalidModel."""
        try:
            model = path.read_bytes()
        except OSError as error:
            raise InvalidModel(
                f"the model {path} cannot be read ({error.strerror})", expected="an ONNX file with a model card"
            ) from error
        return cls.of(model, str(path))

    @classmethod
    def of(cls, model: bytes, name: str = "the model") -> "ModelCard":
        """Read and verify the card inside the ONNX file's bytes; raises InvalidModel."""
        text = metadata_of(model, name).get(CARD_KEY)
        if text is None:
            raise InvalidModel(
                f"{name} has no model card",
                expected=f"the metadata key '{CARD_KEY}'",
                remedy="export it with gallery-export, which writes the card",
            )
        try:
            card = cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "card"
            raise InvalidModel(f"the model card of {name} is wrong at '{where}': {first['msg']}") from error
        actual = digest_of(model, name)
        if actual != card.digest:
            raise InvalidModel(
                f"{name} is not the file its card describes: its digest is {actual[:12]}…",
                expected=f"{card.digest[:12]}…",
                remedy="get the file again, or export it again",
            )
        return card


def digest_of(model: bytes, name: str = "the model") -> str:
    """Hex SHA-256 of an ONNX file without its metadata; raises InvalidModel when it is no ONNX file."""
    digest = hashlib.sha256()
    for number, start, _, end in _fields(model, name):
        if number != _METADATA_FIELD:
            digest.update(model[start:end])
    return digest.hexdigest()


def metadata_of(model: bytes, name: str = "the model") -> dict[str, str]:
    """Read the key-value metadata of an ONNX file; raises InvalidModel when it is no ONNX file."""
    metadata = {}
    for number, _, value, end in _fields(model, name):
        if number == _METADATA_FIELD:
            entry = model[value:end]
            pair = {field: entry[begin:stop] for field, _, begin, stop in _fields(entry, name)}
            key, text = (pair.get(field, b"").decode(errors="replace") for field in (1, 2))
            metadata[key] = text
    return metadata


def _fields(message: bytes, name: str) -> Iterator[tuple[int, int, int, int]]:
    """Walk a protobuf message's top-level fields: (number, start, start of the value, end)."""
    position = 0
    try:
        while position < len(message):
            start = position
            tag, position = _varint(message, position)
            number, wire_type = tag >> 3, tag & 7
            if wire_type == _BYTES:
                length, position = _varint(message, position)
                value, position = position, position + length
            elif wire_type == _VARINT:
                value = position
                _, position = _varint(message, position)
            else:
                value, position = position, position + {_FIXED64: 8, _FIXED32: 4}[wire_type]
            if number == 0 or position > len(message):
                raise ValueError("a field that ends outside the file")
            yield number, start, value, position
    except (IndexError, KeyError, ValueError) as error:
        raise InvalidModel(f"{name} is not an ONNX file, or is torn") from error


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a varint of more than ten bytes")
