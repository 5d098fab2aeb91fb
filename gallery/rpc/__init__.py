"""The servicer: decode a message, call the use case, encode its answer."""

from gallery.rpc.unary import UnaryCalls

__all__ = ["GalleryServicer"]


class GalleryServicer(UnaryCalls):
    """`gallery.v1.GalleryService` over the use cases."""
