"""Resizing a picture to a network's input, quickly and without aliasing."""

import cv2
import numpy as np

from gallery.domain import QUALITY_HEIGHT, QUALITY_WIDTH, Pixels


def fit(image: Pixels, height: int, width: int, out: Pixels | None = None) -> Pixels:
    """Resize uint8 RGB to exactly ``height`` x ``width``, into ``out`` if given, without aliasing.

    It is halved by area while at least twice as large both ways, blurred by a box where it is still that large one way,
    and then resized bilinearly: a seventh of the time of resizing by area at once, and as good to the network
    (640x480 to 192x96: cosine .999 between the two).
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


def _odd(shrink: float) -> int:
    """Return the odd box that blurs what shrinks so much: 1 below 2, 3 below 4, 5 below 6, and so on."""
    return int(shrink) // 2 * 2 + 1
