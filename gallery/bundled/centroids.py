"""The centres of what a model saw in training, bundled with it: what an embedding's strangeness is measured from.

They lie in the ONNX file's metadata as JSON with int8 rows, beside the card; the digest ties them to their model.
"""

import base64
import binascii
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gallery.domain import Embedding
from gallery.errors import InvalidModel
from gallery.model_card import digest_of, metadata_of

CENTROIDS_KEY = "gallery.centroids"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    model_digest: str
    dimension: int = Field(gt=0)
    rows_int8_base64: str
    usual: float = Field(ge=0.0, le=2.0)


@dataclass(frozen=True)
class Centroids:
    """Unit float32 ``vectors`` [k, d], and ``usual``: 1 in 100 pictures of people outside training is stranger.

    ``usual`` is a cosine distance, and the default of ``QualityLimits.max_strangeness``.
    """

    vectors: Embedding
    usual: float

    @classmethod
    def of(cls, model: bytes, name: str = "the model") -> "Centroids | None":
        """Read the centroids of an ONNX file, None when it has none; raises InvalidModel when they are not its own."""
        text = metadata_of(model, name).get(CENTROIDS_KEY)
        if text is None:
            return None
        try:
            record = _Record.model_validate_json(text)
            content = base64.b64decode(record.rows_int8_base64, validate=True)
            rows = np.frombuffer(content, np.int8).reshape(-1, record.dimension).astype(np.float32)
        except (ValidationError, binascii.Error, ValueError) as error:
            raise InvalidModel(
                f"the centroids of {name} cannot be read", remedy="export it again with gallery-export"
            ) from error
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if record.model_digest != digest_of(model, name) or not len(rows) or not lengths.all():
            raise InvalidModel(
                f"the centroids of {name} are not this model's", remedy="export it again with gallery-export"
            )
        return cls(rows / lengths, record.usual)

    def record(self, model_digest: str) -> str:
        """Write what `of` reads: each row scaled to fill int8, since only its direction counts."""
        rows = np.round(self.vectors * (127 / np.abs(self.vectors).max(axis=1, keepdims=True))).astype(np.int8)
        return _Record(
            model_digest=model_digest,
            dimension=rows.shape[1],
            rows_int8_base64=base64.b64encode(rows.tobytes()).decode("ascii"),
            usual=self.usual,
        ).model_dump_json()
