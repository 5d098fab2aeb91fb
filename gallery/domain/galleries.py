"""A gallery, the thresholds it has had, and the policy it is kept by."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gallery.domain.quality import QualityLimits

DRAFT = "~"
"""What the id of a draft begins with; no gallery's own id does."""

DEFAULT_TARGET_FPIR = 0.01  # 1 stranger in 100 is taken for somebody, at most


class ThresholdOrigin(StrEnum):
    """How a gallery came by a threshold."""

    PINNED = "pinned"
    CALIBRATED = "calibrated"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Tail:
    """The lower tail of the distances from strangers to single identities: ln F(d) = intercept + slope · ln d.

    F(d) is the share of (stranger, identity) pairs nearer than d. With N identities the chance that a stranger is
    near somebody is 1 - (1 - F(d))^N, which is how a threshold is corrected when the gallery grows.
    """

    intercept: float
    slope: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """One version of a gallery's threshold. Versions count up from 1; the last one is applied.

    ``value`` is a cosine distance and ``margin`` the least distance between the two nearest identities that keeps a
    match from being ambiguous. A calibrated one says for which target FPIR, at how many identities, its 95%
    interval, and the tail it is corrected for size by.
    """

    version: int
    value: float
    origin: ThresholdOrigin
    set_at: datetime
    margin: float = 0.0
    target_fpir: float | None = None
    low: float | None = None
    high: float | None = None
    identity_count: int | None = None
    tail: Tail | None = None


class Fusion(StrEnum):
    """How several templates of one identity decide its distance."""

    BEST = "best"
    MEAN = "mean"
    TOP_K = "top_k"


class OnConflict(StrEnum):
    """What happens to an enrolment that lies nearer to another identity than to its own, or duplicates one."""

    ACCEPT = "accept"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a gallery is kept.

    ``template_lifetime`` counts from a picture's capture, or else its enrolment; None is for ever.
    ``recalibrate_at_growth``: a calibrated threshold is calibrated anew once the gallery has this many times as many
    identities as it had then (more than 1); None leaves it to the correction for size.
    """

    fusion: Fusion = Fusion.MEAN  # it won on people outside training; with one template all are the same
    enrolment_quality: QualityLimits = field(default_factory=QualityLimits)
    probe_quality: QualityLimits = field(default_factory=QualityLimits)
    on_conflict: OnConflict = OnConflict.WARN
    template_lifetime: timedelta | None = None
    recalibrate_at_growth: float | None = None


@dataclass(frozen=True, slots=True)
class Gallery:
    """A named set of identities, all embedded by one model. Without ``thresholds`` the model's default applies."""

    gallery_id: str
    model_digest: str
    model_name: str
    dimension: int
    created_at: datetime
    thresholds: tuple[Threshold, ...] = ()
    policy: Policy = field(default_factory=Policy)

    @property
    def threshold(self) -> Threshold | None:
        """The threshold that is applied, or None for the model's default."""
        return self.thresholds[-1] if self.thresholds else None


def draft_of(gallery_id: str) -> str:
    """Name the draft of a gallery: what may take its place, once it is whole."""
    return DRAFT + gallery_id
