"""What every call stands on: the use cases, and the streams that are open."""

from gallery.rpc.streams import Streams
from gallery.use_cases import GalleryUseCases
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceServicer


class Calls(GalleryServiceServicer):
    """The calls of one kind; a method's contract is its comment in the proto."""

    def __init__(self, use_cases: GalleryUseCases) -> None:
        self._gallery = use_cases
        self._streams = Streams()

    def drain(self) -> None:
        """Let the streams end, because the server stops; calls of one answer end by themselves."""
        self._streams.drain()
