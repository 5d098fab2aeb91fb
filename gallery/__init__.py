"""The identity gallery: who a person is, how near, and whether it is a match.

    from gallery import GalleryClient

    with GalleryClient("127.0.0.1:50051") as client:
        for person in client.identify("lobby", "frame.jpg"):
            print(person.outcome, person.identity_id)

What is exported here is imported when it is first used, so that the parts of the gallery that need no gRPC
do without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gallery.client import AsyncGalleryClient, GalleryClient, Tls, image
    from gallery.domain import (
        CalibrationReport,
        Candidate,
        Cohort,
        Context,
        EncodedImage,
        EndTrack,
        EnrolmentResult,
        ErasureReceipt,
        Finding,
        Fusion,
        Gallery,
        Identification,
        OnConflict,
        Outcome,
        Policy,
        QualityLimits,
        QualityReason,
        Region,
        StreamAnswer,
        StreamProbe,
        TemplateFilter,
        TrackDecision,
        Verification,
    )
    from gallery.errors import GalleryError

__all__ = [
    "AsyncGalleryClient",
    "CalibrationReport",
    "Candidate",
    "Cohort",
    "Context",
    "EncodedImage",
    "EndTrack",
    "EnrolmentResult",
    "ErasureReceipt",
    "Finding",
    "Fusion",
    "Gallery",
    "GalleryClient",
    "GalleryError",
    "Identification",
    "OnConflict",
    "Outcome",
    "Policy",
    "QualityLimits",
    "QualityReason",
    "Region",
    "StreamAnswer",
    "StreamProbe",
    "TemplateFilter",
    "Tls",
    "TrackDecision",
    "Verification",
    "image",
]

_HOMES = ("gallery.errors", "gallery.domain", "gallery.client")  # the last one brings gRPC


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in map(import_module, _HOMES):
            if hasattr(home, name):
                return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
