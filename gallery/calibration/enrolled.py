"""A gallery as calibration sees it: who is enrolled, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from gallery.domain import Context, Embedding, Template
from gallery.errors import NotEnoughEvidence

_ONE_MOMENT = timedelta(minutes=5)


@dataclass(frozen=True, eq=False)
class Enrolled:
    """Templates, unit float32 [n, dimension], whose they are (0 to identities - 1, every number used), and context."""

    templates: Embedding
    owners: NDArray[np.int64]
    names: tuple[str, ...]
    contexts: tuple[Context, ...]
    model_digest: str

    @classmethod
    def of(cls, templates: Sequence[Template]) -> "Enrolled":
        """Gather a gallery's templates; raises NotEnoughEvidence for an empty gallery or one with one identity."""
        names, owners = np.unique([template.info.identity_id for template in templates], return_inverse=True)
        if len(names) < 2:
            raise NotEnoughEvidence(
                f"there are {len(names)} identities here, and a threshold that tells people apart needs two",
                expected="at least 2 identities, with templates that fit the filter if there is one",
                remedy="enrol more people, filter less, or pin a threshold by hand",
            )
        return cls(
            np.stack([template.embedding for template in templates]),
            owners.astype(np.int64),
            tuple(str(name) for name in names),
            tuple(template.info.context for template in templates),
            templates[0].info.model_digest,
        )

    @property
    def identity_count(self) -> int:
        """How many identities there are."""
        return len(self.names)

    def apart(self, one: int, other: int) -> bool:
        """Tell whether two templates are known to be of different cameras, or of times 5 minutes or more apart."""
        here, there = self.contexts[one], self.contexts[other]
        if here.camera_id is not None and there.camera_id is not None and here.camera_id != there.camera_id:
            return True
        if here.captured_at is None or there.captured_at is None:
            return False
        return abs(here.captured_at - there.captured_at) >= _ONE_MOMENT
