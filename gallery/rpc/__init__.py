"""The servicer: decode a message, call the use case, encode its answer."""

from gallery.rpc.bulk_enroll import BulkEnrollCall
from gallery.rpc.identify_stream import IdentifyStreamCall
from gallery.rpc.unary import UnaryCalls

__all__ = ["GalleryServicer"]


class GalleryServicer(BulkEnrollCall, IdentifyStreamCall, UnaryCalls):
    """`gallery.v1.GalleryService` over the use cases."""
