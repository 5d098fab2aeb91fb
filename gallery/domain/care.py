"""Calibration and care: what was found out about a gallery, and what can be done about it."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from gallery.domain.galleries import Threshold
from gallery.domain.pictures import Embedding
from gallery.errors import InvalidRequest, NotEnoughEvidence


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95% interval and the number of independent trials it rests on."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One threshold of a DET curve: the share of strangers taken for somebody, of enrolled people not found."""

    threshold: float
    fpir: float
    fnir: float


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Strangers to calibrate against: ``embeddings`` float32 [n, dimension], unit rows, and whose they are."""

    model_digest: str
    embeddings: Embedding
    people: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse nobody with NotEnoughEvidence, and other shapes with InvalidRequest."""
        if self.embeddings.ndim != 2 or len(self.embeddings) != len(self.people):
            raise InvalidRequest(
                f"a cohort has {len(self.people)} names and embeddings of shape {self.embeddings.shape}",
                expected="an embedding a name, [n, dimension] and n names, a person's name once for each picture",
            )
        if not self.people:
            raise NotEnoughEvidence(
                "the cohort has no strangers",
                expected="pictures of people who are not enrolled",
                remedy="name some, or name no cohort: then those bundled with the model are taken",
            )


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What a calibration found. ``tpir`` is None when no identity has two templates to learn it from.

    ``stranger_people``, ``stranger_images`` and ``effective_strangers`` say what the evidence is;
    ``strangers_needed`` is how many independent ones the target asks for (rule of three), and ``sufficient`` whether
    they were there. ``applied`` says whether the threshold became the gallery's.
    """

    threshold: Threshold
    tpir: Interval | None
    fpir: Interval
    det: tuple[OperatingPoint, ...]
    stranger_people: int
    stranger_images: int
    effective_strangers: float
    strangers_needed: int
    sufficient: bool
    applied: bool


class FindingKind(StrEnum):
    """What the doctor looks for."""

    LIKELY_DUPLICATE = "likely_duplicate"
    OUTLIER_TEMPLATE = "outlier_template"
    INSEPARABLE = "inseparable"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend: the identities, the template if it is about one, the distance that shows it, the command."""

    kind: FindingKind
    identity_ids: tuple[str, ...]
    distance: float
    template_id: uuid.UUID | None
    command: str


@dataclass(frozen=True, slots=True)
class Change:
    """A merge or split that was done: its id undoes it, and how many templates it moved."""

    change_id: uuid.UUID
    moved: int
