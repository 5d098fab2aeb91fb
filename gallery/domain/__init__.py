"""The words of the gallery as frozen values: what goes down the floors and what comes back up.

Distances are cosine distances, ``1 - cos``, in [0, 2]; smaller is nearer, and they are never probabilities.
Embeddings are unit-length float32 vectors of shape ``[dimension]``.
"""

from gallery.domain.answers import (
    METRIC,
    Basis,
    Candidate,
    Embedded,
    EnrolledTemplate,
    EnrolmentResult,
    Identification,
    Neighbour,
    Page,
    RefusedImage,
    ThresholdSource,
    Verification,
)
from gallery.domain.checks import (
    MAX_DISTANCE,
    MAX_IDENTITY_ID_LENGTH,
    checked_gallery_id,
    checked_identity_id,
    checked_threshold,
)
from gallery.domain.people import (
    Gallery,
    Identity,
    IdentitySummary,
    Template,
    TemplateInfo,
    template_id_of,
)
from gallery.domain.pictures import (
    Embedding,
    EncodedImage,
    Pixels,
    Region,
)

__all__ = [
    "MAX_DISTANCE",
    "MAX_IDENTITY_ID_LENGTH",
    "METRIC",
    "Basis",
    "Candidate",
    "Embedded",
    "Embedding",
    "EncodedImage",
    "EnrolledTemplate",
    "EnrolmentResult",
    "Gallery",
    "Identification",
    "Identity",
    "IdentitySummary",
    "Neighbour",
    "Page",
    "Pixels",
    "RefusedImage",
    "Region",
    "Template",
    "TemplateInfo",
    "ThresholdSource",
    "Verification",
    "checked_gallery_id",
    "checked_identity_id",
    "checked_threshold",
    "template_id_of",
]
