"""The identity gallery: who a person is, how near, and whether it is a match.

    from gallery import GalleryClient

    with GalleryClient("127.0.0.1:50051") as client:
        for person in client.identify("lobby", "frame.jpg"):
            print(person.identity_id, person.matched)

What is exported here is imported when it is first used, so that the parts of the gallery that need no gRPC
do without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gallery.client import AsyncGalleryClient, GalleryClient, image
    from gallery.domain import (
        Candidate,
        EncodedImage,
        Identification,
        Region,
        Verification,
    )
    from gallery.errors import GalleryError

__all__ = [
    "AsyncGalleryClient",
    "Candidate",
    "EncodedImage",
    "GalleryClient",
    "GalleryError",
    "Identification",
    "Region",
    "Verification",
    "image",
]

_HOMES = {
    "AsyncGalleryClient": "gallery.client",
    "Candidate": "gallery.domain",
    "EncodedImage": "gallery.domain",
    "GalleryClient": "gallery.client",
    "GalleryError": "gallery.errors",
    "Identification": "gallery.domain",
    "Region": "gallery.domain",
    "Verification": "gallery.domain",
    "image": "gallery.client",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
