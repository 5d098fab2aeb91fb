"""The directions in which what a model saw in training varies: what an embedding's strangeness is measured from.

They lie in the ONNX file's metadata as JSON, beside the card; the digest ties them to their model.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gallery.domain import Embedding
from gallery.errors import InvalidModel
from gallery.model_card import digest_of, metadata_of

DIRECTIONS_KEY = "gallery.directions"

_ORTHONORMAL = 1e-3  # how far a product of two rows may lie from 0, and of one with itself from 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    model_digest: str
    dimension: int = Field(gt=0, le=4096)
    rows_float32_base64: str  # little-endian, row by row
    usual: float = Field(ge=0.0, le=1.0)


@dataclass(frozen=True)
class Directions:
    """Orthonormal float32 ``rows`` [k, d], and ``usual``: 1 in 100 pictures of people outside training is stranger.

    ``usual`` is a strangeness in [0, 1], as `gallery.quality.strangeness` measures it from these rows, and a good
    ``QualityLimits.max_strangeness`` for probes.
    """

    rows: Embedding
    usual: float

    @classmethod
    def of(cls, model: bytes, name: str = "the model") -> "Directions | None":
        """Read the directions of an ONNX file, None when it has none; raises InvalidModel when they are not its own."""
        text = metadata_of(model, name).get(DIRECTIONS_KEY)
        if text is None:
            return None
        try:
            record = _Record.model_validate_json(text)
            content = base64.b64decode(record.rows_float32_base64, validate=True)
            rows = np.frombuffer(content, "<f4").reshape(-1, record.dimension).astype(np.float32)
        except (ValidationError, binascii.Error, ValueError) as error:
            raise InvalidModel(
                f"the directions of {name} cannot be read", remedy="export it again with gallery-export"
            ) from error
        orthonormal = np.allclose(rows @ rows.T, np.eye(len(rows)), rtol=0.0, atol=_ORTHONORMAL)
        if record.model_digest != digest_of(model, name) or not len(rows) or not orthonormal:
            raise InvalidModel(
                f"the directions of {name} are not this model's", remedy="export it again with gallery-export"
            )
        return cls(rows, record.usual)

    def record(self, model_digest: str) -> str:
        """Write what `of` reads."""
        return _Record(
            model_digest=model_digest,
            dimension=self.rows.shape[1],
            rows_float32_base64=base64.b64encode(self.rows.astype("<f4").tobytes()).decode("ascii"),
            usual=self.usual,
        ).model_dump_json()
