"""A program that decodes damaged pictures, one after another, and says of each what became of it.

python -m tests.chaos.decoding FIRST LAST STEP SHADE

The pictures are those of the numbers range(FIRST, LAST, STEP). Before each, one of the same size all in one SHADE is
decoded, so that what a decoder leaves unwritten shows it. A line is the picture's number, then, when it is done with,
"refused" with the reason, "decoded" with a checksum of all pixels, or "failed", which nothing should.
"""

import hashlib
import resource
import sys

import cv2
import numpy as np

from gallery.domain import Region
from gallery.errors import GalleryError
from gallery.images import decode, people_of, settle_decoders
from gallery.images.headers import read_header
from tests.chaos.mutations import mutated

_MEMORY = 6 * 2**30
_MODEL = (32, 16)
_MOST = 3_000_000  # pixels, so that any format stays below the limit of bytes


def outcome(content: bytes) -> str:
    """Decode a picture as it is, and as the service does: whole, and a region of it."""
    digest = hashlib.sha256()
    try:
        pixels = decode(content)
        digest.update(repr(pixels.shape).encode() + pixels.tobytes())
        for regions in ((), (Region(0, 0, 16, 32),)):
            for person in people_of(content, regions, *_MODEL):
                digest.update(repr((person.size, person.pixels.shape)).encode() + person.pixels.tobytes())
    except GalleryError as refusal:
        return f"refused {refusal.reason}"
    except Exception as error:  # in the line, since the decoders' own noise goes nowhere
        return f"failed {error!r}"
    return f"decoded {digest.hexdigest()}"


def decode_another(content: bytes, shade: int) -> None:
    """Decode a picture in one shade that is as large as this one claims to be, within reason."""
    try:
        header = read_header(content)
    except GalleryError:
        return
    if header.width * header.height <= _MOST:
        suffix = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "BMP": ".bmp"}[header.format]
        plain = np.full((header.height, header.width, 3), shade, np.uint8)
        decode(cv2.imencode(suffix, plain)[1].tobytes())


def main(first: int, last: int, step: int, shade: int) -> None:
    """Decode them all."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    settle_decoders()
    for number in range(first, last, step):
        content = mutated(number)
        print(number, end=" ", flush=True)
        decode_another(content, shade)
        print(outcome(content), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
