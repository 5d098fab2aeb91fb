"""The words of the gallery as frozen values: what goes down the floors and what comes back up.

Distances are cosine distances, ``1 - cos``, in [0, 2]; smaller is nearer, and they are never probabilities.
Embeddings are unit-length float32 vectors of shape ``[dimension]``.
"""

from gallery.domain.answers import (
    METRIC,
    Basis,
    Candidate,
    Conflict,
    Embedded,
    EnrolledTemplate,
    Identification,
    Neighbour,
    Outcome,
    Page,
    ThresholdSource,
    Verification,
)
from gallery.domain.care import (
    CalibrationReport,
    Change,
    Cohort,
    Finding,
    FindingKind,
    Interval,
    OperatingPoint,
)
from gallery.domain.checks import (
    MAX_DISTANCE,
    MAX_IDENTITY_ID_LENGTH,
    checked_gallery_id,
    checked_identity_id,
    checked_threshold,
)
from gallery.domain.galleries import (
    Fusion,
    Gallery,
    OnConflict,
    Policy,
    Tail,
    Threshold,
    ThresholdOrigin,
)
from gallery.domain.people import (
    EVERYTHING,
    Identity,
    IdentitySummary,
    Move,
    Template,
    TemplateFilter,
    TemplateInfo,
    template_id_of,
)
from gallery.domain.pictures import (
    NO_CONTEXT,
    Context,
    Embedding,
    EncodedImage,
    Pixels,
    Region,
)
from gallery.domain.quality import (
    Quality,
    QualityLimits,
    QualityReason,
)

__all__ = [
    "EVERYTHING",
    "MAX_DISTANCE",
    "MAX_IDENTITY_ID_LENGTH",
    "METRIC",
    "NO_CONTEXT",
    "Basis",
    "CalibrationReport",
    "Candidate",
    "Change",
    "Cohort",
    "Conflict",
    "Context",
    "Embedded",
    "Embedding",
    "EncodedImage",
    "EnrolledTemplate",
    "Finding",
    "FindingKind",
    "Fusion",
    "Gallery",
    "Identification",
    "Identity",
    "IdentitySummary",
    "Interval",
    "Move",
    "Neighbour",
    "OnConflict",
    "OperatingPoint",
    "Outcome",
    "Page",
    "Pixels",
    "Policy",
    "Quality",
    "QualityLimits",
    "QualityReason",
    "Region",
    "Tail",
    "Template",
    "TemplateFilter",
    "TemplateInfo",
    "Threshold",
    "ThresholdOrigin",
    "ThresholdSource",
    "Verification",
    "checked_gallery_id",
    "checked_identity_id",
    "checked_threshold",
    "template_id_of",
]
