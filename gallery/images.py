"""From bytes, a path, a stream or an array to the model's input: the one preprocessing.

Training, evaluation, export and serving all come through `decode`, `crop` and `fit`.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from gallery.domain import Pixels, Region
from gallery.errors import InvalidImage, InvalidRegion


def decode(content: bytes) -> Pixels:
    """Decode a picture upright (EXIF) to uint8 RGB [height, width, 3]; raises InvalidImage."""
    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InvalidImage("the picture cannot be decoded", expected="a whole JPEG, PNG, WebP or BMP file")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def crop(image: Pixels, region: Region) -> Pixels:
    """Cut ``region`` out as a view; a box that reaches over the edge is clipped, one outside is refused."""
    height, width = image.shape[:2]
    if region.x >= width or region.y >= height:
        raise InvalidRegion(f"the region {region} lies outside the picture of {width}x{height} pixels")
    return image[region.y : region.y + region.height, region.x : region.x + region.width]


def fit(image: Pixels, height: int, width: int) -> Pixels:
    """Resize to exactly ``height`` x ``width``: by area when shrinking both ways, else bilinear."""
    if image.shape[:2] == (height, width):
        return image
    shrinking = image.shape[0] >= height and image.shape[1] >= width
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=interpolation).astype(np.uint8, copy=False)


def prepare(content: bytes, regions: Sequence[Region], height: int, width: int) -> Pixels:
    """Decode once and fit each region (or the whole picture): uint8 RGB [people, height, width, 3]."""
    image = decode(content)
    people = [crop(image, region) for region in regions] or [image]
    return np.stack([fit(person, height, width) for person in people])
