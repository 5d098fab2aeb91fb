import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.domain import Pixels, Region
from gallery.errors import InvalidImage, InvalidParameter, InvalidRegion
from gallery.images import ImageLimits, crop, decode, fit, people_of, prepare, read_source, write_image
from gallery.images.headers import read_header

FORMATS = [".png", ".jpg", ".webp", ".bmp"]


@pytest.fixture
def image() -> Pixels:
    """Red above, blue below, wider than high."""
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20, :, 0] = 200
    picture[20:, :, 2] = 200
    return picture


def encoded(image: Pixels, suffix: str = ".png", *options: int) -> bytes:
    return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF segment with this orientation behind the JPEG's first marker."""
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\x00\x00"
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01" + entry + b"\x00\x00\x00\x00"
    body = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_accepted_format_decodes_to_rgb(image: Pixels, suffix: str) -> None:
    decoded = decode(encoded(image, suffix))
    assert decoded.dtype == np.uint8
    assert decoded.shape == image.shape
    assert np.abs(decoded[5, 30].astype(int) - (200, 0, 0)).max() < 30
    assert np.abs(decoded[35, 30].astype(int) - (0, 0, 200)).max() < 30


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 60), (300, 7)])
def test_a_header_says_what_the_decoder_finds(suffix: str, height: int, width: int) -> None:
    header = read_header(encoded(np.zeros((height, width, 3), np.uint8), suffix))
    assert (header.height, header.width) == (height, width)


def test_lossless_and_extended_webp_headers_are_read(image: Pixels) -> None:
    lossless = encoded(image, ".webp", cv2.IMWRITE_WEBP_QUALITY, 101)
    assert lossless[12:16] == b"VP8L"
    assert (read_header(lossless).width, read_header(lossless).height) == (60, 40)
    extended = lossless[:12] + b"VP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\x3b\x00\x00\x27\x00\x00" + lossless[12:]
    assert (read_header(extended).width, read_header(extended).height) == (60, 40)


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((8, 6), 90, np.uint8),
        np.full((8, 6, 4), 90, np.uint8),
        np.full((8, 6, 3), 90 * 257, np.uint16),
    ],
    ids=["grey", "with alpha", "16 bit"],
)
def test_grey_alpha_and_16_bit_pictures_become_rgb_of_8_bit(pixels: Pixels) -> None:
    decoded = decode(cv2.imencode(".png", pixels)[1].tobytes())
    assert decoded.shape == (8, 6, 3)
    assert (decoded == 90).all()


@pytest.mark.parametrize(("orientation", "shape"), [(1, (40, 60)), (3, (40, 60)), (6, (60, 40)), (8, (60, 40))])
def test_exif_orientation_is_applied_once(image: Pixels, orientation: int, shape: tuple[int, int]) -> None:
    decoded = decode(with_orientation(encoded(image, ".jpg"), orientation))
    assert decoded.shape[:2] == shape
    red = {1: (5, 30), 3: (35, 30), 6: (30, 35), 8: (30, 5)}[orientation]
    assert decoded[red][0] > 150


def test_regions_are_boxes_of_the_upright_picture(image: Pixels) -> None:
    turned = with_orientation(encoded(image, ".jpg"), 6)
    (right,) = people_of(turned, [Region(30, 0, 10, 60)], 16, 8)
    assert right.pixels.shape == (60, 10, 3)
    assert right.pixels[30, 5, 0] > 150


def test_a_region_over_the_edge_is_clipped_and_one_outside_is_refused(image: Pixels) -> None:
    assert crop(image, Region(50, 30, 100, 100)).shape == (10, 10, 3)
    for outside in (Region(60, 0, 1, 1), Region(0, 40, 1, 1)):
        with pytest.raises(InvalidRegion, match="outside the picture of 60x40"):
            crop(image, outside)


def test_too_many_regions_are_refused_before_anything_is_decoded() -> None:
    with pytest.raises(InvalidRegion, match="3 regions"):
        people_of(b"not even a picture", [Region(0, 0, 1, 1)] * 3, 16, 8, ImageLimits(max_regions=2))


def test_one_decoded_frame_serves_many_people(image: Pixels) -> None:
    batch = prepare(encoded(image), [Region(0, 0, 60, 20), Region(0, 20, 60, 20)], 16, 8)
    assert batch.shape == (2, 16, 8, 3)
    assert (batch[0] == (200, 0, 0)).all()
    assert (batch[1] == (0, 0, 200)).all()


def test_a_picture_of_the_right_size_is_not_resampled(image: Pixels) -> None:
    assert fit(image, 40, 60) is image


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 90), st.integers(1, 90))
def test_fitting_gives_the_size_asked_and_keeps_an_even_colour(high: int, wide: int, height: int, width: int) -> None:
    fitted = fit(np.full((high, wide, 3), 77, np.uint8), height, width)
    assert fitted.shape == (height, width, 3)
    assert (fitted == 77).all()


def test_path_bytes_stream_and_array_are_the_same_picture(image: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    write_image(path, image)
    content = path.read_bytes()
    for source in (str(path), path, content, io.BytesIO(content)):
        assert read_source(source) == content
    bgr = np.ascontiguousarray(image[..., ::-1])
    for array, order in ((image, "RGB"), (bgr, "BGR")):
        assert np.array_equal(decode(read_source(array, array_order=order)), image)  # type: ignore[arg-type]


def test_sources_that_cannot_be_read_are_refused_with_their_name(image: Pixels, tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match=r"nowhere\.jpg"):
        read_source(tmp_path / "nowhere.jpg")
    with pytest.raises(InvalidParameter, match="no path"):
        read_source("a\0b.jpg")
    with pytest.raises(InvalidParameter, match="colour order"):
        read_source(image)
    with pytest.raises(InvalidParameter, match="binary mode"):
        read_source(io.StringIO("text"))  # type: ignore[arg-type]
    for wrong in (image.astype(np.float32), image[..., 0], image[:0]):
        with pytest.raises(InvalidImage, match="the array is"):
            read_source(wrong, array_order="RGB")  # type: ignore[arg-type]


def test_a_picture_cannot_be_written_under_a_name_without_a_format(image: Pixels, tmp_path: Path) -> None:
    for name in ("picture", "picture.txt"):
        with pytest.raises(InvalidParameter, match=r"ends in \.jpg"):
            write_image(tmp_path / name, image)
    with pytest.raises(InvalidParameter, match="cannot be written"):
        write_image(tmp_path / "no folder" / "picture.png", image)
