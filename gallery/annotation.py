"""Answers drawn on a picture: a box for each person, who it is, at what distance, TRUE or FALSE, and how large.

Colour never says anything alone: TRUE and FALSE are written out, and the two hues (Okabe and Ito, "Color Universal
Design", 2008) differ for colour-blind people too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gallery.domain import Identification, Outcome, Pixels, Region

TRUE_COLOUR = (0, 114, 78)
FALSE_COLOUR = (190, 70, 0)

_INK = (255, 255, 255)
_SMALLEST_SIDE = 400  # pixels that the longer side has at least, so that a crop of one person can be read
_TEXT_HEIGHT = 1 / 60  # of the longer side: the tags of four people side by side do not meet
_SMALLEST_TEXT = 12
_WIDEST_TAG = 14  # text heights, so that a long identity id does not cover the neighbours


@dataclass(frozen=True, slots=True)
class _Pen:
    """How thick and how large, in proportion to the picture."""

    font: cv2.FontFace
    text: int
    line: int

    @property
    def margin(self) -> int:
        """Pixels between a tag's edge and its text."""
        return self.text // 3

    @property
    def pitch(self) -> int:
        """Pixels from one line to the next."""
        return round(self.text * 1.25)

    def tag_height(self, lines: int) -> int:
        """Pixels that a tag of so many lines is high."""
        return self.pitch * lines + 2 * self.margin

    def size(self, text: str) -> tuple[int, int]:
        """Width and height in pixels that ``text`` takes."""
        _, _, width, height = cv2.getTextSize((10_000, 10_000), text, (0, 0), self.font, self.text)
        return width, height


def annotate(image: Pixels, identifications: Sequence[Identification]) -> Pixels:
    """Draw the answers on a copy of uint8 RGB [height, width, 3].

    A small picture comes back enlarged, a thin strip with a black margin that has room for the text.
    An answer for the whole picture (no region) is drawn along its edge.
    """
    scale = max(1, -(-_SMALLEST_SIDE // max(image.shape[:2])))
    canvas = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) if scale > 1 else image.copy()
    canvas = np.ascontiguousarray(canvas, np.uint8)
    longer, shorter = max(canvas.shape[:2]), min(canvas.shape[:2])
    text = max(_SMALLEST_TEXT, round(min(longer * _TEXT_HEIGHT, shorter / 8)))
    pen = _Pen(cv2.FontFace("sans"), text, max(2, longer // 300))
    whole = Region(0, 0, image.shape[1], image.shape[0])
    for person in identifications:
        _draw_box(canvas, person, person.region or whole, scale, pen)
    canvas = _widened(canvas, pen)
    for person in identifications:
        region = person.region or whole
        corner = (region.x * scale, region.y * scale)
        _draw_tag(canvas, lines_of(person, region), corner, _colour_of(person), pen)
    return canvas


def lines_of(person: Identification, size: Region) -> list[str]:
    """Write an answer as two short lines: TRUE or FALSE, who; distance against threshold, and pixels.

    The verdict comes first, so that no identity id is long enough to push it off the picture. An ambiguous answer
    names both identities, a rejected one says why it cannot be judged.
    """
    pixels = f"{size.width}×{size.height}"
    if person.outcome is Outcome.REJECTED:
        return ["FALSE cannot be judged", f"{', '.join(person.quality.reasons).replace('_', ' ')}  {pixels}"]
    if not person.candidates:
        return ["FALSE nobody enrolled", pixels]
    nearest = person.candidates[0]
    sign = "<=" if nearest.distance <= person.basis.threshold else ">"
    measured = f"{nearest.distance:.3f} {sign} {person.basis.threshold:.3f}  {pixels}"
    if person.outcome is Outcome.AMBIGUOUS:
        return [f"FALSE {' or '.join(near.identity_id for near in person.candidates[:2])}?", measured]
    return [f"TRUE {nearest.identity_id}" if person.matched else f"FALSE {nearest.identity_id}?", measured]


def _widened(canvas: Pixels, pen: _Pen) -> Pixels:
    """Add a margin to the right of and below a strip that is too thin for a tag."""
    right = max(0, _WIDEST_TAG * pen.text - canvas.shape[1])
    below = max(0, pen.tag_height(2) - canvas.shape[0])
    if right == below == 0:
        return canvas
    return np.asarray(cv2.copyMakeBorder(canvas, 0, below, 0, right, cv2.BORDER_CONSTANT), np.uint8)


def _colour_of(person: Identification) -> tuple[int, int, int]:
    return TRUE_COLOUR if person.matched else FALSE_COLOUR


def _draw_box(canvas: Pixels, person: Identification, region: Region, scale: int, pen: _Pen) -> None:
    left, top = region.x * scale, region.y * scale
    right, bottom = (
        min(left + region.width * scale, canvas.shape[1]) - 1,
        min(top + region.height * scale, canvas.shape[0]) - 1,
    )
    cv2.rectangle(canvas, (left, top), (right, bottom), _colour_of(person), pen.line)


def _draw_tag(
    canvas: Pixels, lines: Sequence[str], corner: tuple[int, int], colour: tuple[int, int, int], pen: _Pen
) -> None:
    """Write lines on a filled box: above the corner where there is room, else inside; never beyond the picture."""
    margin, pitch = pen.margin, pen.pitch
    widest = min(canvas.shape[1], max(canvas.shape[1] // 3, _WIDEST_TAG * pen.text)) - 2 * margin
    lines = [_shortened(line, widest, pen) for line in lines]
    width = max(pen.size(line)[0] for line in lines) + 2 * margin
    height = pen.tag_height(len(lines))
    left = max(0, min(corner[0], canvas.shape[1] - width))
    top = corner[1] - height if corner[1] >= height else corner[1]
    cv2.rectangle(canvas, (left, top), (left + width, top + height), colour, cv2.FILLED)
    for number, line in enumerate(lines):
        base = top + margin + number * pitch + round(pen.text * 0.95)
        cv2.putText(canvas, line, (left + margin, base), _INK, pen.font, pen.text)


def _shortened(line: str, width: int, pen: _Pen) -> str:
    """Cut a line that is too wide, and say so with an ellipsis."""
    if pen.size(line)[0] <= width:
        return line
    kept = line
    while kept and pen.size(kept + "…")[0] > width:
        kept = kept[:-1]
    return kept + "…"
