"""The demo's contact sheet: every probe with its answer, beside the person it was nearest to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gallery.annotation import annotate
from gallery.images import write_image

if TYPE_CHECKING:
    from gallery.domain import Identification, Pixels

_COLUMNS = 6
_GAP = 6
_RIGHT, _WRONG = (30, 140, 60), (200, 30, 30)


def write_sheet(path: Path, rows: "Sequence[tuple[Pixels, Identification, Pixels, bool]]") -> None:
    """Write a grid of (probe, answer, nearest person's picture, whether it is right); all pictures of one size."""
    tiles = [_tile(*row) for row in rows]
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    lines = [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    write_image(path, np.vstack(lines))


def _tile(probe: "Pixels", answer: "Identification", nearest: "Pixels", right: bool) -> "Pixels":
    drawn = annotate(probe, [answer])
    pair = np.hstack(
        [
            drawn,
            nearest.repeat(drawn.shape[0] // nearest.shape[0], axis=0).repeat(
                drawn.shape[1] // nearest.shape[1], axis=1
            ),
        ]
    )
    framed = np.empty((pair.shape[0] + 2 * _GAP, pair.shape[1] + 2 * _GAP, 3), np.uint8)
    framed[...] = _RIGHT if right else _WRONG
    framed[_GAP:-_GAP, _GAP:-_GAP] = pair
    return np.pad(framed, ((_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=255)
