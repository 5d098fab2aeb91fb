"""Pictures sent to do harm, or damaged on the way: refused with a sentence, never a crash, never others' pixels."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gallery.errors import GalleryError, ImageTooLarge, InvalidImage
from gallery.images import ImageLimits, decode
from gallery.images.headers import read_header, without_notes

RANDOM = np.random.default_rng(7)
SMOOTH = cv2.GaussianBlur(RANDOM.integers(0, 256, (128, 64, 3), dtype=np.uint8), (9, 9), 3)
PICTURES = {suffix: cv2.imencode(suffix, SMOOTH)[1].tobytes() for suffix in (".jpg", ".png", ".webp", ".bmp")}
OTHER = cv2.imencode(".jpg", 255 - SMOOTH)[1].tobytes()
PROGRESSIVE = cv2.imencode(".jpg", SMOOTH, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()


def png_claiming(width: int, height: int) -> bytes:
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes) -> bytes:
    """Put chunks behind the header of a true PNG."""
    png = PICTURES[".png"]
    return png[:33] + b"".join(chunks) + png[33:]


def jpeg_claiming(width: int, height: int) -> bytes:
    jpeg = PICTURES[".jpg"]
    frame = jpeg.index(b"\xff\xc0")
    return jpeg[: frame + 5] + struct.pack(">HH", height, width) + jpeg[frame + 9 :]


def bmp_claiming(width: int, height: int) -> bytes:
    bmp = PICTURES[".bmp"]
    return bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]


@pytest.mark.parametrize("claiming", [png_claiming, jpeg_claiming, bmp_claiming])
def test_a_header_that_claims_too_many_pixels_is_refused_unread(claiming: object) -> None:
    with pytest.raises(ImageTooLarge, match="30000x30000"):
        decode(claiming(30000, 30000))  # type: ignore[operator]


def test_a_progressive_jpeg_is_welcome_and_one_of_a_thousand_scans_is_not() -> None:
    assert decode(PROGRESSIVE).shape == (128, 64, 3)
    last = PROGRESSIVE.rindex(b"\xff\xda")
    bomb = PROGRESSIVE[:last] + PROGRESSIVE[last:-2] * 1000 + PROGRESSIVE[-2:]
    with pytest.raises(ImageTooLarge, match="scans"):
        decode(bomb)


def test_a_second_frame_header_cannot_hide_the_size_of_the_first() -> None:
    small = PICTURES[".jpg"]
    frame = small.index(b"\xff\xc0")
    second = small[frame : frame + 2 + struct.unpack_from(">H", small, frame + 2)[0]]
    with pytest.raises(InvalidImage, match="two frame headers"):
        decode(jpeg_claiming(30000, 30000)[:-2] + second + b"\xff\xd9")


def test_scans_cannot_hide_behind_a_marker_that_decoders_skip() -> None:
    last = PROGRESSIVE.rindex(b"\xff\xda")
    hidden = PROGRESSIVE[:-2] + b"\xff\x02\xff\xff" + PROGRESSIVE[last:-2] * 100 + PROGRESSIVE[-2:]
    assert read_header(hidden).scans > 100


@pytest.mark.parametrize(
    "filling",
    [b"\xff" * 5_000_000, b"\xff\xd8" * 2_000_000, b"\xff\xfe\x00\x02" * 2_000_000],
    ids=["fill", "SOI", "COM"],
)
def test_a_header_is_read_in_time_linear_in_its_bytes(filling: bytes) -> None:
    with pytest.raises(InvalidImage):  # the first of these would take days if it were quadratic
        decode(b"\xff\xd8\xff\xe0\x00\x02" + filling)


def test_notes_that_unpack_to_gigabytes_are_never_unpacked() -> None:
    note = chunk(b"zTXt", b"key\x00\x00" + zlib.compress(bytes(7_900_000), 9))
    bomb = png_with(*[note] * 900)
    assert without_notes(bomb) == PICTURES[".png"]
    assert np.array_equal(decode(bomb), decode(PICTURES[".png"]))


def test_a_png_without_notes_is_not_copied_and_one_of_countless_chunks_is_refused() -> None:
    assert without_notes(PICTURES[".png"]) is PICTURES[".png"]
    with pytest.raises(ImageTooLarge, match="chunks"):
        decode(png_with(chunk(b"tEXt", b"") * 50_000))


def test_a_png_keeps_its_palette_transparency_and_orientation() -> None:
    kept = [chunk(b"PLTE", bytes(6)), chunk(b"tRNS", bytes(2)), chunk(b"eXIf", b"MM\x00\x2a\x00\x00\x00\x08\x00\x00")]
    assert without_notes(png_with(*kept, chunk(b"iCCP", b"x"))) == png_with(*kept)


def test_a_file_over_the_limit_is_refused_by_its_bytes_alone() -> None:
    with pytest.raises(ImageTooLarge, match="bytes"):
        decode(PICTURES[".bmp"], ImageLimits(max_bytes=1000))


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + bytes(50), b"II*\x00" + bytes(50), b"\x00\x00\x00\x20ftypavif" + bytes(50), b"<svg/>", bytes(99)],
    ids=["nothing", "GIF", "TIFF", "AVIF", "SVG", "zeros"],
)
def test_formats_beyond_the_short_list_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidImage, match="JPEG, PNG, WebP or BMP"):
        decode(content)


def test_a_picture_of_no_pixels_is_refused() -> None:
    for claiming in (png_claiming, jpeg_claiming, bmp_claiming):
        with pytest.raises(InvalidImage):
            decode(claiming(0, 10))


@pytest.mark.parametrize("suffix", PICTURES)
def test_a_picture_cut_short_is_refused_and_never_filled_up_from_elsewhere(suffix: str) -> None:
    content = PICTURES[suffix]
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        with pytest.raises(InvalidImage):
            decode(content[: int(len(content) * share)])


@given(st.sampled_from([*PICTURES.values(), PROGRESSIVE]), st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_pictures_are_decoded_or_refused_and_nothing_else(picture: bytes, data: st.DataObject) -> None:
    mutated = bytearray(picture)
    for _ in range(data.draw(st.integers(1, 8))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    mutated = mutated[: data.draw(st.integers(1, len(mutated)))]
    try:
        decoded = decode(bytes(mutated))
    except GalleryError as refusal:
        assert str(refusal)
    else:
        decode(OTHER)
        assert np.array_equal(decode(bytes(mutated)), decoded)  # nothing left over from the picture before


@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBP", b"BM"]),
    st.binary(max_size=400),
)
@settings(max_examples=400, deadline=None)
def test_random_bytes_behind_a_true_beginning_are_refused(beginning: bytes, rest: bytes) -> None:
    with pytest.raises(GalleryError):
        decode(beginning + rest)
