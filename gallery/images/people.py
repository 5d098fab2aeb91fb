"""The people of a picture: decoded once, each cut out, and fitted to a network's input."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gallery.domain import QUALITY_HEIGHT, QUALITY_WIDTH, Pixels, Region
from gallery.errors import InvalidRegion
from gallery.images.decoding import DEFAULT_LIMITS, REDUCTIONS, ImageLimits, checked_header, decode_at, reduced_size
from gallery.images.fitting import fit


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person cut out of a picture: uint8 RGB [h, w, 3], and the ``size`` (height, width) it has there.

    The pixels are fewer than ``size`` says where the picture was decoded at a half, a quarter or an eighth.
    """

    pixels: Pixels
    size: tuple[int, int]


def crop(image: Pixels, region: Region) -> Pixels:
    """Cut ``region`` out as a view; a box that reaches over the edge is clipped, one outside is refused."""
    return _cut(image, region, (image.shape[0], image.shape[1]), 1).pixels


def people_of(
    content: bytes, regions: Sequence[Region], height: int, width: int, limits: ImageLimits = DEFAULT_LIMITS
) -> list[Person]:
    """Decode once and cut out each region (or the whole picture), as views, for a model of ``height`` x ``width``.

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
    header = checked_header(content, limits)
    least = max(height, QUALITY_HEIGHT), max(width, QUALITY_WIDTH)
    size = header.height, header.width
    factor = _reduction(size, regions, least) if header.format == "JPEG" else 1
    image = decode_at(content, header, factor)
    if image.shape[:2] != reduced_size(size, factor):  # EXIF turned it, which the header does not say
        size = header.width, header.height
        allowed = _reduction(size, regions, least) if factor > 1 else 1
        if allowed < factor:
            factor = allowed
            image = decode_at(content, header, factor)
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


def _reduction(size: tuple[int, int], regions: Sequence[Region], least: tuple[int, int]) -> int:
    """Choose the factor, 1, 2, 4 or 8, by which everybody in an upright picture of ``size`` still has ``least``."""
    people = [_clipped(region, size) for region in regions] or [(0, 0, *size)]
    spare = min(min((bottom - top) // least[0], (right - left) // least[1]) for top, left, bottom, right in people)
    for factor in REDUCTIONS:
        height, width = reduced_size(size, factor)
        turned_would_show = height != width or size[0] == size[1]
        # reduced pixels are counted from a corner that EXIF may move, so regions of other sizes could lie one pixel off
        whole = not regions or (size[0] % factor == 0 and size[1] % factor == 0)
        if factor <= spare and turned_would_show and whole:
            return factor
    return 1


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
