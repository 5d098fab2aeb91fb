"""What a caller may hand over as a picture, made into what is sent."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from gallery import images
from gallery.annotation import annotate
from gallery.domain import Context, EncodedImage, Identification, Pixels, Region
from gallery.errors import InvalidParameter
from gallery.images import ArrayOrder, ImageLimits, ImageSource

ImageLike: TypeAlias = EncodedImage | ImageSource
"""An image from `image`, or a path, the bytes of a file, or a binary stream: a whole picture of one person."""


def image(
    source: ImageSource,
    regions: Sequence[Region] = (),
    *,
    array_order: ArrayOrder | None = None,
    camera_id: str | None = None,
    captured_at: datetime | None = None,
    labels: Mapping[str, str] | None = None,
) -> EncodedImage:
    """Take a picture with the people in it, a numpy array with the order of its colours, and where it comes from.

    Args:
        source: a path, the bytes of a JPEG, PNG, WebP or BMP file, a binary stream, or an array of uint8
            [height, width, 3], which is sent without loss.
        regions: the people as pixel boxes in the upright picture; none means one person fills it.
        array_order: "RGB" or "BGR" (OpenCV's), needed for an array.
        camera_id: your key of the camera.
        captured_at: when it was taken, with a time zone.
        labels: at most 16 of your own.

    Raises:
        InvalidImage: the file cannot be read, or the array is no picture.
        InvalidParameter: an array without its colour order, a stream of text, or a time without a zone.

    """
    if captured_at is not None and captured_at.tzinfo is None:
        raise InvalidParameter(
            f"the time {captured_at.isoformat()} could be anywhere", expected="a datetime with a time zone"
        )
    context = Context.of(camera_id, captured_at, labels)
    return EncodedImage(images.read_source(source, array_order=array_order), tuple(regions), context)


def encoded(picture: ImageLike) -> EncodedImage:
    """Read a picture, unless it has been."""
    return picture if isinstance(picture, EncodedImage) else image(picture)


async def encoded_off_the_loop(picture: ImageLike) -> EncodedImage:
    """As `encoded`; a file or stream is read in a thread."""
    if isinstance(picture, EncodedImage | bytes):
        return encoded(picture)
    return await asyncio.to_thread(encoded, picture)


def drawn(picture: EncodedImage, people: Sequence[Identification], output: Path | None) -> Pixels:
    """Draw the answers on the picture, uint8 RGB [height, width, 3], and write it to ``output`` when one is named."""
    accepted = ImageLimits(max_bytes=len(picture.content))  # by the server, whose limit may be higher than ours
    pixels = annotate(images.decode(picture.content, accepted), people)
    if output is not None:
        images.write_image(output, pixels)
    return pixels
