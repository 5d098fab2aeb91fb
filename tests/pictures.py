"""Small pictures for tests that do not look at what is on them."""

import cv2
import numpy as np

from gallery.domain import Pixels


def png_of(what: int | Pixels, *, height: int = 32, width: int = 16) -> bytes:
    """Encode an array, or coarse noise of this seed, as PNG."""
    if isinstance(what, int):
        cells = np.random.default_rng(what).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        what = np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    return cv2.imencode(".png", what)[1].tobytes()
