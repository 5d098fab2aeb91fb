"""Pictures of every accepted format, damaged in every way a disk, a network or an enemy would, each by its number."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from random import Random
from typing import TypeAlias

import cv2
import numpy as np

from gallery.domain import Pixels
from gallery.drawn_people import draw_person
from tests.test_images import with_orientation

Mutation: TypeAlias = Callable[[bytearray, Random], bytearray]

_JPEG_FRAMES = (b"\xff\xc0", b"\xff\xc1", b"\xff\xc2")


@cache
def pictures() -> tuple[bytes, ...]:
    """Draw people and encode each in all ways: small ones, and ones large enough to be decoded in fewer pixels."""
    encoded = []
    for person, (height, width) in enumerate([(64, 32), (128, 64), (97, 45), (272, 144), (530, 270)]):
        picture = np.asarray(draw_person(person, 0, height=height, width=width)[..., ::-1])
        encoded += [_encoded(picture, ".jpg", cv2.IMWRITE_JPEG_QUALITY, quality) for quality in (30, 90)]
        encoded.append(_encoded(picture, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1))
        encoded.append(_encoded(picture, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2))
        encoded.append(with_orientation(encoded[-1], 6))
        encoded.append(_encoded(np.asarray(picture[..., 0]), ".jpg"))
        encoded += [_encoded(picture, ".webp", cv2.IMWRITE_WEBP_QUALITY, quality) for quality in (50, 101)]
        for each in (picture, np.asarray(picture[..., 0]), _with_alpha(picture)):
            encoded.append(_encoded(each, ".png"))
            encoded.append(_encoded(each, ".bmp"))
    return tuple(encoded)


def mutated(number: int) -> bytes:
    """Damage one of the pictures in one to four ways, all drawn from ``number``."""
    dice = Random(number)
    content = bytearray(dice.choice(pictures()))
    for _ in range(dice.randint(1, 4)):
        content = dice.choice(_MUTATIONS)(content, dice) or bytearray(b"\0")
    if content.startswith(b"\x89PNG") and dice.random() < 0.7:
        content = _with_true_sums(content)  # or the first check would keep everything from the decoder
    return bytes(content)


def _flip(content: bytearray, dice: Random) -> bytearray:
    for _ in range(dice.randint(1, 12)):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return content


def _flip_in_the_header(content: bytearray, dice: Random) -> bytearray:
    for _ in range(dice.randint(1, 3)):
        content[dice.randrange(min(len(content), 700))] ^= 1 << dice.randrange(8)
    return content


def _overwrite(content: bytearray, dice: Random) -> bytearray:
    begin, size = dice.randrange(len(content)), dice.randint(1, 200)
    filling = dice.choice([bytes(size), b"\xff" * size, dice.randbytes(size)])
    content[begin : begin + size] = filling[: len(content) - begin]
    return content


def _truncate(content: bytearray, dice: Random) -> bytearray:
    return content[: dice.randint(1, len(content))]


def _truncate_and_end(content: bytearray, dice: Random) -> bytearray:
    """Cut a JPEG short but for its end, so that it seems whole."""
    return content[: dice.randint(1, len(content))] + b"\xff\xd9"


def _cut_out(content: bytearray, dice: Random) -> bytearray:
    begin = dice.randrange(len(content))
    del content[begin : begin + dice.randint(1, 500)]
    return content


def _insert(content: bytearray, dice: Random) -> bytearray:
    begin = dice.randrange(len(content))
    return content[:begin] + dice.randbytes(dice.randint(1, 100)) + content[begin:]


def _duplicate(content: bytearray, dice: Random) -> bytearray:
    begin = dice.randrange(len(content))
    part = content[begin : begin + dice.randint(1, 600)]
    return content[:begin] + part * dice.randint(2, 20) + content[begin + len(part) :]


def _duplicate_segment(content: bytearray, dice: Random) -> bytearray:
    """Repeat one of a JPEG's segments, or a chunk's name and what follows."""
    places = [place for place in range(len(content) - 4) if content[place] == 0xFF and content[place + 1] >= 0xC0]
    if not places:
        return _duplicate(content, dice)
    begin = dice.choice(places)
    part = content[begin : begin + 2 + struct.unpack_from(">H", content, begin + 2)[0]]
    return content[:begin] + part + content[begin:]


def _splice(content: bytearray, dice: Random) -> bytearray:
    """Go on with another picture in the middle."""
    other = dice.choice(pictures())
    return content[: dice.randrange(len(content))] + other[dice.randrange(len(other)) :]


def _append(content: bytearray, dice: Random) -> bytearray:
    return content + dice.choice(pictures())


def _claim(content: bytearray, dice: Random) -> bytearray:
    """Have the header claim other dimensions, from nothing to more than anybody has."""
    height, width = (dice.choice([0, 1, dice.randint(1, 600), dice.randint(1, 5000), 65500]) for _ in range(2))
    if content.startswith(b"\x89PNG"):
        content[16:24] = struct.pack(">II", width, height)
    elif content.startswith(b"BM"):
        content[18:26] = struct.pack("<ii", width, dice.choice([height, -height]))
    elif content.startswith(b"RIFF"):
        content[26:30] = struct.pack("<HH", width & 0x3FFF, height & 0x3FFF)
    else:
        for frame in _JPEG_FRAMES:
            if (place := content.find(frame)) >= 0:
                content[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return content


_MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _flip_in_the_header,
    _overwrite,
    _truncate,
    _truncate_and_end,
    _cut_out,
    _insert,
    _duplicate,
    _duplicate_segment,
    _splice,
    _append,
    _claim,
)


def _with_true_sums(content: bytearray) -> bytearray:
    """Correct the checksum of each chunk of a PNG that is still whole."""
    place = 8
    while place + 12 <= len(content):
        (size,) = struct.unpack_from(">I", content, place)
        end = place + 8 + size
        if end + 4 > len(content):
            break
        struct.pack_into(">I", content, end, zlib.crc32(content[place + 4 : end]))
        place = end + 4
    return content


def _with_alpha(picture: Pixels) -> Pixels:
    return np.dstack([picture, np.full(picture.shape[:2], 200, np.uint8)])


def _encoded(picture: Pixels, suffix: str, *options: int) -> bytes:
    return cv2.imencode(suffix, picture, list(options))[1].tobytes()
