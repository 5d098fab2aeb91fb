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

_HOMES = {
    "AsyncGalleryClient": "gallery.client",
    "CalibrationReport": "gallery.domain",
    "Candidate": "gallery.domain",
    "Cohort": "gallery.domain",
    "Context": "gallery.domain",
    "EncodedImage": "gallery.domain",
    "EndTrack": "gallery.domain",
    "EnrolmentResult": "gallery.domain",
    "ErasureReceipt": "gallery.domain",
    "Finding": "gallery.domain",
    "Fusion": "gallery.domain",
    "Gallery": "gallery.domain",
    "GalleryClient": "gallery.client",
    "GalleryError": "gallery.errors",
    "Identification": "gallery.domain",
    "OnConflict": "gallery.domain",
    "Outcome": "gallery.domain",
    "Policy": "gallery.domain",
    "QualityLimits": "gallery.domain",
    "QualityReason": "gallery.domain",
    "Region": "gallery.domain",
    "StreamAnswer": "gallery.domain",
    "StreamProbe": "gallery.domain",
    "TemplateFilter": "gallery.domain",
    "Tls": "gallery.client",
    "TrackDecision": "gallery.domain",
    "Verification": "gallery.domain",
    "image": "gallery.client",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
