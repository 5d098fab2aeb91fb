"""Small pictures for tests that do not look at what is on them."""

import cv2
import numpy as np

from gallery.domain import Pixels


def views_of(person: int, count: int) -> list[bytes]:
    """Encode a few pictures of one person: the coarse noise of this seed, each with fine noise of its own."""
    cells = np.random.default_rng(person).integers(30, 226, (4, 4, 3))
    coarse = np.repeat(np.repeat(cells, 8, axis=0), 4, axis=1)
    random = np.random.default_rng((person, 1))
    return [png_of(np.asarray(coarse + random.integers(-20, 21, coarse.shape), np.uint8)) for _ in range(count)]


def png_of(what: int | Pixels, *, height: int = 32, width: int = 16) -> bytes:
    """Encode an array, or coarse noise of this seed, as PNG."""
    if isinstance(what, int):
        cells = np.random.default_rng(what).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        what = np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    return cv2.imencode(".png", what)[1].tobytes()
