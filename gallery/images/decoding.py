"""From the bytes of a picture to its pixels: within limits, upright, and in no more pixels than are needed."""

from dataclasses import dataclass

import cv2
import numpy as np

from gallery.domain import Pixels
from gallery.errors import ImageTooLarge, InvalidImage
from gallery.images.headers import ACCEPTED, Header, read_header, without_notes

# libjpeg decodes to a half, a quarter or an eighth by leaving out frequencies. OpenCV's names for it say GRAYSCALE;
# those that say COLOR mean BGR, and RGB goes with neither.
_FLAGS = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}
REDUCTIONS = tuple(_FLAGS)  # the largest first


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a picture may cost. The defaults admit an 8K frame and every progressive JPEG a camera writes."""

    max_bytes: int = 10 * 2**20
    max_pixels: int = 7680 * 4320
    max_scans: int = 64  # encoders write about ten
    max_regions: int = 64


DEFAULT_LIMITS = ImageLimits()


def settle_decoders() -> None:
    """Keep OpenCV on the calling thread and out of the log, for the whole process.

    Its own threads would fight the workers. A client could fill a server's log with the line it writes for each
    damaged picture; every one of them is answered with an error anyway.
    """
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def decode(content: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Pixels:
    """Decode a picture upright (EXIF) to uint8 RGB [height, width, 3]; raises InvalidImage, ImageTooLarge."""
    return decode_at(content, checked_header(content, limits), 1)


def checked_header(content: bytes, limits: ImageLimits) -> Header:
    """Read a picture's header; raises InvalidImage, and ImageTooLarge where it claims more than the limits allow."""
    if len(content) > limits.max_bytes:
        raise ImageTooLarge(
            f"the picture has {len(content)} bytes",
            expected=f"at most {limits.max_bytes}",
            remedy="send it smaller, or start the server with a larger --max-image-bytes",
        )
    header = read_header(content)
    if header.width * header.height > limits.max_pixels:
        raise ImageTooLarge(
            f"the picture claims {header.width}x{header.height} pixels",
            expected=f"at most {limits.max_pixels} pixels",
            remedy="send it smaller, or cut to the person",
        )
    if header.scans > limits.max_scans:
        raise ImageTooLarge(f"the JPEG has {header.scans} scans", expected=f"at most {limits.max_scans}")
    return header


def decode_at(content: bytes, header: Header, factor: int) -> Pixels:
    """Decode a picture upright at 1 / ``factor`` of its size: uint8 RGB; raises InvalidImage.

    ``factor`` is 1 or, for a JPEG, one of `REDUCTIONS`. ``header`` must be the checked one of ``content``.
    """
    if header.format == "PNG":
        content = without_notes(content)
    flags = cv2.IMREAD_COLOR_RGB | _FLAGS.get(factor, 0)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise _undecodable(header) from error
    if image is None or sorted(image.shape[:2]) != sorted(reduced_size((header.height, header.width), factor)):
        raise _undecodable(header)
    return image.astype(np.uint8, copy=False)


def reduced_size(size: tuple[int, int], factor: int) -> tuple[int, int]:
    """Return the (height, width) at which a picture of ``size`` is decoded by ``factor``: rounded up."""
    return -(-size[0] // factor), -(-size[1] // factor)


def _undecodable(header: Header) -> InvalidImage:
    return InvalidImage(
        f"the {header.format} of {header.width}x{header.height} pixels is damaged or cut short", expected=ACCEPTED
    )
