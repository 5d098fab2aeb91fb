"""From bytes, a path, a stream or an array to the model's input: the one preprocessing.

Training, evaluation, export and serving all come through `decode`, `crop` and `fit`. Nothing is decoded before its
header was read and found within the limits.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import cv2
import numpy as np

from gallery.domain import Pixels, Region
from gallery.errors import ImageTooLarge, InvalidImage, InvalidParameter, InvalidRegion
from gallery.image_headers import ACCEPTED, Header, read_header, without_notes

ArrayOrder: TypeAlias = Literal["RGB", "BGR"]
ImageSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Pixels


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a picture may cost. The defaults admit an 8K frame and every progressive JPEG a camera writes."""

    max_bytes: int = 10 * 2**20
    max_pixels: int = 7680 * 4320
    max_scans: int = 64  # encoders write about ten
    max_regions: int = 64


DEFAULT_LIMITS = ImageLimits()


def silence_decoders() -> None:
    """Keep OpenCV from logging a line for each damaged picture, for the whole process.

    A client could fill a server's log with them; every one of them is answered with an error anyway.
    """
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def decode(content: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Pixels:
    """Decode a picture upright (EXIF) to uint8 RGB [height, width, 3]; raises InvalidImage, ImageTooLarge."""
    header = _checked_header(content, limits)
    if header.format == "PNG":
        content = without_notes(content)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise _undecodable(header) from error
    if image is None or sorted(image.shape[:2]) != sorted((header.height, header.width)):
        raise _undecodable(header)
    return image.astype(np.uint8, copy=False)


def crop(image: Pixels, region: Region) -> Pixels:
    """Cut ``region`` out as a view; a box that reaches over the edge is clipped, one outside is refused."""
    height, width = image.shape[:2]
    if region.x >= width or region.y >= height:
        raise InvalidRegion(
            f"the region {region} lies outside the picture of {width}x{height} pixels",
            expected="width x height + x + y in pixels of the upright picture",
        )
    return image[region.y : region.y + region.height, region.x : region.x + region.width]


def fit(image: Pixels, height: int, width: int) -> Pixels:
    """Resize to exactly ``height`` x ``width``: by area when shrinking both ways, else bilinear."""
    if image.shape[:2] == (height, width):
        return image
    shrinking = image.shape[0] >= height and image.shape[1] >= width
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=interpolation).astype(np.uint8, copy=False)


def people_of(content: bytes, regions: Sequence[Region], limits: ImageLimits = DEFAULT_LIMITS) -> list[Pixels]:
    """Decode once and cut each region (or the whole picture) out, as views at their own size."""
    if len(regions) > limits.max_regions:
        raise InvalidRegion(
            f"the image has {len(regions)} regions",
            expected=f"at most {limits.max_regions}",
            remedy="send the picture again with the rest of them",
        )
    image = decode(content, limits)
    return [crop(image, region) for region in regions] or [image]


def fitted(people: Sequence[Pixels], height: int, width: int) -> Pixels:
    """Fit each person into one batch: uint8 RGB [people, height, width, 3]."""
    batch = np.empty((len(people), height, width, 3), np.uint8)
    for row, person in zip(batch, people, strict=True):
        row[...] = fit(person, height, width)
    return batch


def prepare(
    content: bytes, regions: Sequence[Region], height: int, width: int, limits: ImageLimits = DEFAULT_LIMITS
) -> Pixels:
    """Decode once and fit each region (or the whole picture): uint8 RGB [people, height, width, 3]."""
    return fitted(people_of(content, regions, limits), height, width)


def read_source(source: ImageSource, *, array_order: ArrayOrder | None = None) -> bytes:
    """Read a path, bytes, a binary stream or an array as an encoded picture.

    An array is uint8 [height, width, 3] and must have its colour order named: OpenCV's is BGR, most others' RGB. It
    is encoded without loss (PNG). Raises InvalidImage and InvalidParameter; what the bytes hold is not looked at.
    """
    if isinstance(source, bytes):
        return source
    if isinstance(source, np.ndarray):
        return _encode_array(source, array_order)
    if isinstance(source, str | os.PathLike):
        try:
            return Path(source).read_bytes()
        except OSError as error:
            raise InvalidImage(
                f"the picture {os.fspath(source)} cannot be read ({error.strerror})", expected="a readable file"
            ) from error
        except ValueError as error:
            raise InvalidParameter(f"{os.fspath(source)!r} is no path ({error})") from error
    content = source.read()
    if not isinstance(content, bytes):
        raise InvalidParameter("the stream gives no bytes", remedy="open it in binary mode, open(path, 'rb')")
    return content


def write_image(path: Path, image: Pixels) -> None:
    """Write uint8 RGB to a file whose suffix names its format; raises InvalidParameter."""
    try:
        written, encoded = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    except cv2.error:
        written = False
    if not written:
        raise InvalidParameter(
            f"no picture can be written as {path.name}", expected="a name that ends in .jpg, .png, .webp or .bmp"
        )
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise InvalidParameter(f"{path} cannot be written ({error.strerror})", expected="a writable place") from error


def _checked_header(content: bytes, limits: ImageLimits) -> Header:
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


def _undecodable(header: Header) -> InvalidImage:
    return InvalidImage(
        f"the {header.format} of {header.width}x{header.height} pixels is damaged or cut short", expected=ACCEPTED
    )


def _encode_array(image: Pixels, order: ArrayOrder | None) -> bytes:
    if order is None:
        raise InvalidParameter(
            "the array's colour order is not known", expected="array_order='BGR' (OpenCV's) or 'RGB'"
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InvalidImage(
            f"the array is {image.dtype} of shape {image.shape}", expected="uint8 of shape [height, width, 3]"
        )
    bgr = image if order == "BGR" else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
