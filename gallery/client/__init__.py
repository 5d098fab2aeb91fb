"""The gallery from Python: `GalleryClient` for threads, `AsyncGalleryClient` for asyncio.

Both have the methods of `gallery.use_cases.GalleryUseCases` with the same parameters and the same answers, and
raise the errors of `gallery.errors`; protobuf and gRPC stay behind them.
"""

from gallery.client.async_client import AsyncGalleryClient
from gallery.client.pictures import ImageLike, image
from gallery.client.security import Tls
from gallery.client.sync_client import GalleryClient

__all__ = ["AsyncGalleryClient", "GalleryClient", "ImageLike", "Tls", "image"]
