"""What every call stands on: the use cases, and the streams that are open."""

from gallery.rpc.streams import Streams
from gallery.use_cases import ITEMS_IN_FLIGHT, GalleryUseCases
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceServicer


class Calls(GalleryServiceServicer):
    """The calls of one kind; a method's contract is its comment in the proto.

    ``stream_items``: how many items of a camera's stream are held at a time.
    """

    def __init__(self, use_cases: GalleryUseCases, *, stream_items: int = ITEMS_IN_FLIGHT) -> None:
        self._gallery = use_cases
        self._stream_items = stream_items
        self._streams = Streams()

    def drain(self) -> None:
        """Let the streams end, because the server stops; calls of one answer end by themselves."""
        self._streams.drain()
