"""The strangers that come with a model: read from the ONNX file, and believed only if they are this model's.

They are JSON under the metadata key `gallery.cohort`, beside the card. Metadata is outside the model's digest, so the
cohort carries the digest of the model that made it and one of its own.
"""

import base64
import binascii
import hashlib

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gallery.domain import Cohort, Embedding
from gallery.errors import InvalidModel
from gallery.model_card import digest_of, metadata_of

COHORT_KEY = "gallery.cohort"


class BundledCohort(BaseModel):
    """What the file holds: int8 rows, row by row, base64, each scaled to unit length when it is read.

    ``people`` numbers each row's person, from 0: nobody has a name. ``note`` says in a sentence whose pictures these
    are. ``digest`` is the hex SHA-256 of model digest, people and rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    dimension: int = Field(gt=0, le=4096)
    people: tuple[int, ...]
    rows_base64: str
    note: str = ""
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")

    @classmethod
    def of(cls, cohort: Cohort, note: str) -> "BundledCohort":
        """Quantise a cohort to int8 (cosines move by about 1e-4) and leave its people's names out."""
        peaks = np.maximum(np.abs(cohort.embeddings).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        rows = np.rint(cohort.embeddings / peaks * 127.0).astype(np.int8).tobytes()
        _, codes = np.unique(np.asarray(cohort.people, np.str_), return_inverse=True)
        people = tuple(int(code) for code in codes)
        return cls(
            model_digest=cohort.model_digest,
            dimension=cohort.embeddings.shape[1],
            people=people,
            rows_base64=base64.b64encode(rows).decode("ascii"),
            note=note,
            digest=_digest(cohort.model_digest, people, rows),
        )

    def cohort(self, name: str) -> Cohort:
        """Return the strangers; raises InvalidModel when the rows are not what the digest says."""
        try:
            rows = base64.b64decode(self.rows_base64, validate=True)
        except binascii.Error as error:
            raise InvalidModel(f"the cohort of {name} is not base64") from error
        if _digest(self.model_digest, self.people, rows) != self.digest:
            raise InvalidModel(
                f"the cohort of {name} is torn: its digest is not the one it names",
                expected=f"{self.digest[:12]}…",
                remedy="get the file again, or export it again",
            )
        if len(rows) != len(self.people) * self.dimension:
            raise InvalidModel(
                f"the cohort of {name} has {len(rows)} bytes",
                expected=f"{len(self.people)} rows of {self.dimension}",
            )
        vectors = np.frombuffer(rows, np.int8).reshape(-1, self.dimension).astype(np.float32)
        return Cohort(self.model_digest, _unit(vectors), tuple(f"stranger-{person}" for person in self.people))


def cohort_of(model: bytes, name: str = "the model") -> Cohort | None:
    """Read the cohort inside an ONNX file's bytes; None when it has none.

    Raises InvalidModel when it is torn, or was made with another model than the file.
    """
    text = metadata_of(model, name).get(COHORT_KEY)
    if text is None:
        return None
    try:
        bundled = BundledCohort.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "cohort"
        raise InvalidModel(f"the cohort of {name} is wrong at '{where}': {first['msg']}") from error
    actual = digest_of(model, name)
    if bundled.model_digest != actual:
        raise InvalidModel(
            f"the cohort of {name} was made with the model {bundled.model_digest[:12]}…",
            expected=f"this file's model, {actual[:12]}…",
            remedy="export the model again with its own cohort",
        )
    return bundled.cohort(name)


def _digest(model_digest: str, people: tuple[int, ...], rows: bytes) -> str:
    header = f"{model_digest}|{','.join(map(str, people))}|".encode()
    return hashlib.sha256(header + rows).hexdigest()


def _unit(vectors: Embedding) -> Embedding:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
