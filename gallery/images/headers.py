"""What a picture's header claims, read without decoding it: format, pixels and, for a JPEG, scans.

A decoder believes the header: 78 KB that claim 30000 x 30000 pixels make it allocate gigabytes, and a progressive
JPEG with thousands of scans keeps it busy for a minute. So the claim is read first, here, by hand, in time linear
in the bytes. Where a decoder would read on and we would not, a claim could hide: each such place is refused.
"""

import re
import struct
from dataclasses import dataclass

from gallery.errors import ImageTooLarge, InvalidImage

ACCEPTED = "a whole JPEG, PNG, WebP or BMP file"

_MOST_PARTS = 20_000  # segments or chunks; a real picture of 10 MiB has at most a few thousand

# The next marker after a scan's data: neither a stuffed zero, nor a restart, nor fill. Those below C0 have no length,
# and decoders skip them within a scan.
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15; the three are tables

# What decides a still picture's pixels and its orientation. Each of libpng's compressed notes (zTXt, iTXt, iCCP) may
# unpack to 8 MB, and it unpacks a thousand of them: 7 MB of PNG took 145 s and 4.5 GB.
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a file claims: ``width`` and ``height`` in pixels as stored, before any EXIF rotation."""

    format: str
    width: int
    height: int
    scans: int = 1


def read_header(content: bytes) -> Header:
    """Read the header of a JPEG, PNG, WebP or BMP.

    Raises InvalidImage for anything else and for a torn one, ImageTooLarge for a JPEG of more than 20,000 segments.
    """
    try:
        if content.startswith(b"\xff\xd8\xff"):
            header = _jpeg(content)
        elif content.startswith(_PNG_SIGNATURE):
            header = Header("PNG", *struct.unpack_from(">II", content, 16))
        elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            header = _webp(content)
        elif content.startswith(b"BM"):
            header = _bmp(content)
        else:
            raise InvalidImage(
                "the bytes are no picture of a known format" if content else "the picture has no bytes",
                expected=ACCEPTED,
            )
    except (struct.error, IndexError) as error:
        raise InvalidImage("the picture ends within its header", expected=ACCEPTED) from error
    if header.width == 0 or header.height == 0:
        raise InvalidImage(f"the picture claims {header.width}x{header.height} pixels", expected="at least one")
    return header


def without_notes(png: bytes) -> bytes:
    """Leave out a PNG's texts, profiles, animation and all else that its still picture does not need.

    Raises ImageTooLarge for a PNG of more than 20,000 chunks; one that is torn stays torn, for the decoder to refuse.
    """
    position = kept_from = len(_PNG_SIGNATURE)
    kept = [png[:position]]
    for _ in range(_MOST_PARTS):
        if position + 8 > len(png):
            return b"".join([*kept, png[kept_from:]]) if len(kept) > 1 else png
        length, kind = struct.unpack_from(">I4s", png, position)
        end = position + 12 + length
        if kind not in _PNG_NEEDED:
            kept.append(png[kept_from:position])
            kept_from = end
        position = end
    raise _too_many_parts("PNG", "chunks")


def _jpeg(content: bytes) -> Header:
    """Walk the segments (ITU-T T.81, B.1.1); after a start of scan, skip its data to the next marker."""
    width = height = scans = position = 0
    for _ in range(_MOST_PARTS):
        found = _MARKER.search(content, position)
        if found is None or found[1][0] == _END_OF_IMAGE:
            return Header("JPEG", width, height, scans)
        marker, position = found[1][0], found.end()
        if marker == _START_OF_IMAGE:
            continue
        (length,) = struct.unpack_from(">H", content, position)
        if marker in _FRAMES:
            if width or height:
                raise InvalidImage("the JPEG has two frame headers", expected=ACCEPTED)
            height, width = struct.unpack_from(">HH", content, position + 3)
        scans += marker == _START_OF_SCAN
        position += length
    raise _too_many_parts("JPEG", "segments")


def _too_many_parts(format_: str, parts: str) -> ImageTooLarge:
    return ImageTooLarge(
        f"the {format_} has more than {_MOST_PARTS} {parts}", expected=ACCEPTED, remedy="save the picture again"
    )


def _webp(content: bytes) -> Header:
    """Read the first chunk: lossy, lossless or extended (RFC 9649, 2.5 to 2.7)."""
    kind = content[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return Header("WebP", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return Header("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        sides = struct.unpack_from("<6B", content, 24)
        width, height = (int.from_bytes(sides[start : start + 3], "little") + 1 for start in (0, 3))
        return Header("WebP", width, height)
    raise InvalidImage(f"the WebP begins with the chunk {kind!r}", expected="VP8, VP8L or VP8X")


def _bmp(content: bytes) -> Header:
    """Read the information header; a negative height means that rows run downwards."""
    (size,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if size == 12 else "<ii", content, 18)
    return Header("BMP", abs(width), abs(height))
