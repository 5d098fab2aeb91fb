"""From bytes, a path, a stream or an array to the model's input: the one preprocessing.

Training, evaluation, export and serving all come through `people_of` and `fitted`. Nothing is decoded before its
header was read and found within the limits, and nothing in more pixels than are needed.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import cv2
import numpy as np

from gallery.domain import QUALITY_HEIGHT, QUALITY_WIDTH, Pixels, Region
from gallery.errors import ImageTooLarge, InvalidImage, InvalidParameter, InvalidRegion
from gallery.images.headers import ACCEPTED, Header, read_header, without_notes

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

# libjpeg decodes to a half, a quarter or an eighth by leaving out frequencies. OpenCV's names for it say GRAYSCALE;
# those that say COLOR mean BGR, and RGB goes with neither.
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person cut out of a picture: uint8 RGB [h, w, 3], and the ``size`` (height, width) it has there.

    The pixels are fewer than ``size`` says where the picture was decoded at a half, a quarter or an eighth.
    """

    pixels: Pixels
    size: tuple[int, int]


def settle_decoders() -> None:
    """Keep OpenCV on the calling thread and out of the log, for the whole process.

    Its own threads would fight the workers. A client could fill a server's log with the line it writes for each
    damaged picture; every one of them is answered with an error anyway.
    """
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def decode(content: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Pixels:
    """Decode a picture upright (EXIF) to uint8 RGB [height, width, 3]; raises InvalidImage, ImageTooLarge."""
    return _decoded(content, _checked_header(content, limits), 1)


def crop(image: Pixels, region: Region) -> Pixels:
    """Cut ``region`` out as a view; a box that reaches over the edge is clipped, one outside is refused."""
    return _cut(image, region, (image.shape[0], image.shape[1]), 1).pixels


def fit(image: Pixels, height: int, width: int, out: Pixels | None = None) -> Pixels:
    """Resize to exactly ``height`` x ``width``, into ``out`` if given: bilinear, after what would alias was blurred.

    Halved by area while twice as large both ways, then blurred by a box where still twice as large one way: a seventh
    of the time of resizing by area at once, and as good to the network (640x480 to 192x96: cosine .999 between them).
    """
    if out is None and image.shape[:2] == (height, width):
        return image
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    box = (_odd(image.shape[1] / width), _odd(image.shape[0] / height))
    if box != (1, 1):
        image = cv2.blur(image, box).astype(np.uint8, copy=False)
    return cv2.resize(image, (width, height), out, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def fit_to_measure(image: Pixels, height: int, width: int) -> Pixels:
    """Fit as for a model of ``height`` x ``width``, but not below what `gallery.quality` looks at."""
    return fit(image, max(height, QUALITY_HEIGHT), max(width, QUALITY_WIDTH))


def people_of(
    content: bytes, regions: Sequence[Region], height: int, width: int, limits: ImageLimits = DEFAULT_LIMITS
) -> list[Person]:
    """Decode once and cut each region (or the whole picture) out, as views, for a model of ``height`` x ``width``.

    A JPEG is decoded at a half, a quarter or an eighth where everybody in it keeps at least the pixels that the model
    and `gallery.quality` look at. Regions are in pixels of the full upright picture all the same, and then exact to
    half a decoded pixel. Raises InvalidImage, ImageTooLarge and InvalidRegion.
    """
    if len(regions) > limits.max_regions:
        raise InvalidRegion(
            f"the image has {len(regions)} regions",
            expected=f"at most {limits.max_regions}",
            remedy="send the picture again with the rest of them",
        )
    header = _checked_header(content, limits)
    least = max(height, QUALITY_HEIGHT), max(width, QUALITY_WIDTH)
    size = header.height, header.width
    factor = _reduction(size, regions, least) if header.format == "JPEG" else 1
    image = _decoded(content, header, factor)
    if image.shape[:2] != _reduced(size, factor):  # EXIF turned it, which the header does not say
        size = header.width, header.height
        allowed = _reduction(size, regions, least) if factor > 1 else 1
        if allowed < factor:
            factor = allowed
            image = _decoded(content, header, factor)
    return [_cut(image, region, size, factor) for region in regions] or [Person(image, size)]


def fitted(people: Sequence[Person], height: int, width: int, out: Pixels | None = None) -> Pixels:
    """Fit each person into one batch, uint8 RGB [people, height, width, 3]: the first rows of ``out`` if given."""
    batch = np.empty((len(people), height, width, 3), np.uint8) if out is None else out[: len(people)]
    for row, person in zip(batch, people, strict=True):
        fit(person.pixels, height, width, row)
    return batch


def prepare(
    content: bytes, regions: Sequence[Region], height: int, width: int, limits: ImageLimits = DEFAULT_LIMITS
) -> Pixels:
    """Decode once and fit each region (or the whole picture): uint8 RGB [people, height, width, 3]."""
    return fitted(people_of(content, regions, height, width, limits), height, width)


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


def _reduction(size: tuple[int, int], regions: Sequence[Region], least: tuple[int, int]) -> int:
    """Choose the factor, 1, 2, 4 or 8, by which everybody in an upright picture of ``size`` still has ``least``."""
    people = [_clipped(region, size) for region in regions] or [(0, 0, *size)]
    spare = min(min((bottom - top) // least[0], (right - left) // least[1]) for top, left, bottom, right in people)
    for factor in _REDUCED:
        height, width = _reduced(size, factor)
        turned_would_show = height != width or size[0] == size[1]
        # decoded pixels begin at the corner before EXIF turns the picture, so that regions could lie up to one beside
        whole = not regions or (size[0] % factor == 0 and size[1] % factor == 0)
        if factor <= spare and turned_would_show and whole:
            return factor
    return 1


def _reduced(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return -(-size[0] // factor), -(-size[1] // factor)


def _clipped(region: Region, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return top, left, bottom and right of a region within a picture of ``size``."""
    return region.y, region.x, min(region.y + region.height, size[0]), min(region.x + region.width, size[1])


def _cut(image: Pixels, region: Region, size: tuple[int, int], factor: int) -> Person:
    """Cut a region of a picture of ``size`` out of ``image``, which was decoded at 1 / ``factor``."""
    top, left, bottom, right = _clipped(region, size)
    if top >= bottom or left >= right:
        raise InvalidRegion(
            f"the region {region} lies outside the picture of {size[1]}x{size[0]} pixels",
            expected="width x height + x + y in pixels of the upright picture",
        )
    half = factor // 2  # to round
    rows = slice((top + half) // factor, (bottom + half) // factor)
    columns = slice((left + half) // factor, (right + half) // factor)
    return Person(image[rows, columns], (bottom - top, right - left))


def _decoded(content: bytes, header: Header, factor: int) -> Pixels:
    if header.format == "PNG":
        content = without_notes(content)
    flags = cv2.IMREAD_COLOR_RGB | _REDUCED.get(factor, 0)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise _undecodable(header) from error
    if image is None or sorted(image.shape[:2]) != sorted(_reduced((header.height, header.width), factor)):
        raise _undecodable(header)
    return image.astype(np.uint8, copy=False)


def _odd(shrink: float) -> int:
    """Return the odd box that blurs what shrinks so much: 1 below 2, 3 below 4, 5 below 6, and so on."""
    return int(shrink) // 2 * 2 + 1


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
