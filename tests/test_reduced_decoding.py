"""A large JPEG is decoded in no more pixels than are needed, and nobody can tell but by the time it takes."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gallery.domain import Pixels, Region
from gallery.drawn_people import draw_scene
from gallery.errors import GalleryError, InvalidImage, InvalidRegion
from gallery.images import Person, crop, decode, fit, fit_to_measure, fitted, people_of, prepare
from gallery.quality import measure
from tests.test_images import encoded, with_orientation

HEIGHT, WIDTH = 192, 96


def quarters(height: int, width: int) -> Pixels:
    """Red and green above, blue and white below."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (200, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 200, 0)
    picture[height // 2 :, : width // 2] = (0, 0, 200)
    picture[height // 2 :, width // 2 :] = (200, 200, 200)
    return picture


def jpeg(picture: Pixels, *options: int) -> bytes:
    return encoded(picture, ".jpg", *options)


def factor_of(person: Person) -> float:
    return float(person.size[0] / person.pixels.shape[0])


@pytest.mark.parametrize(
    ("height", "width", "factor"),
    [(128, 64, 1), (383, 191, 1), (384, 191, 1), (384, 192, 2), (480, 640, 2), (768, 384, 4), (2160, 3840, 8)],
)
def test_a_whole_picture_keeps_what_the_model_needs_and_no_more(height: int, width: int, factor: int) -> None:
    (person,) = people_of(jpeg(quarters(height, width)), (), HEIGHT, WIDTH)
    assert person.size == (height, width)
    assert person.pixels.shape == (height // factor, width // factor, 3)


def test_a_small_model_leaves_enough_to_measure_the_quality_by() -> None:
    (person,) = people_of(jpeg(quarters(512, 512)), (), 16, 8)
    assert person.pixels.shape == (128, 128, 3)


def test_the_smallest_region_decides_for_its_frame() -> None:
    content = jpeg(quarters(960, 1280))
    large, small = Region(0, 0, 640, 800), Region(100, 100, 100, 200)
    assert [factor_of(person) for person in people_of(content, [large], HEIGHT, WIDTH)] == [4]
    assert [factor_of(person) for person in people_of(content, [large, small], HEIGHT, WIDTH)] == [1, 1]
    over_the_edge = Region(1280 - 200, 0, 400, 900)
    assert [factor_of(person) for person in people_of(content, [over_the_edge], HEIGHT, WIDTH)] == [2]


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp"])
def test_only_a_jpeg_is_decoded_smaller(suffix: str) -> None:
    (person,) = people_of(encoded(quarters(800, 800), suffix), (), HEIGHT, WIDTH)
    assert person.pixels.shape == (800, 800, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_is_where_it_is_in_the_upright_picture(orientation: int) -> None:
    turned = with_orientation(jpeg(quarters(960, 1280)), orientation)
    upright = decode(turned)
    height, width = upright.shape[:2]
    for x, y in ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)):
        region = Region(x, y, width // 2, height // 2)
        (person,) = people_of(turned, [region], HEIGHT, WIDTH)
        assert factor_of(person) == 2 or ((x or y) and orientation > 4)  # outside the picture as it is stored
        assert person.size == (height // 2, width // 2)
        expected = crop(upright, region).mean(axis=(0, 1))
        assert np.abs(person.pixels.mean(axis=(0, 1)) - expected).max() < 1
        assert person.pixels.std(axis=(0, 1)).max() < 8  # nothing of a neighbour


@pytest.mark.parametrize("shape", [(512, 128), (400, 160), (513, 514), (1023, 1021), (777, 779)])
def test_a_turned_picture_is_as_large_as_it_is_upright_and_keeps_enough(shape: tuple[int, int]) -> None:
    for height, width in (shape, shape[::-1]):
        (person,) = people_of(with_orientation(jpeg(quarters(height, width)), 6), (), 64, 64)
        assert person.size == (width, height)
        kept = person.pixels.shape
        assert kept[0] >= min(128, width)
        assert kept[1] >= min(64, height)


def test_a_frame_of_an_odd_size_is_decoded_whole_for_its_regions_to_be_exact() -> None:
    content = with_orientation(jpeg(quarters(961, 1281)), 3)
    assert [factor_of(person) for person in people_of(content, [Region(1, 1, 900, 900)], HEIGHT, WIDTH)] == [1]


def test_a_region_outside_a_large_picture_is_refused_in_its_pixels() -> None:
    with pytest.raises(InvalidRegion, match="outside the picture of 1280x960"):
        people_of(jpeg(quarters(960, 1280)), [Region(0, 0, 900, 900), Region(1280, 0, 5, 5)], HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def scene() -> Pixels:
    """Drawn people, at the size of a camera's frame."""
    return draw_scene([0, 1, 2], 5, height=960, width=1280)[0]


@pytest.fixture(scope="module")
def turned_scene(scene: Pixels) -> bytes:
    return with_orientation(jpeg(scene[:600, :800]), 6)


@pytest.mark.parametrize("regions", [(), (Region(101, 51, 500, 801),), (Region(640, 100, 401, 700),)])
def test_the_model_sees_the_same_as_of_the_whole_decoded_picture(scene: Pixels, regions: tuple[Region, ...]) -> None:
    content = jpeg(scene)
    whole = encoded(decode(content))  # a PNG is never reduced
    assert factor_of(people_of(content, regions, HEIGHT, WIDTH)[0]) >= 2
    seen, expected = (prepare(one, regions, HEIGHT, WIDTH).astype(int) for one in (content, whole))
    assert np.abs(seen - expected).mean() < 2.5


def test_quality_is_of_the_picture_as_it_was_sent(scene: Pixels) -> None:
    content = jpeg(scene)
    region = Region(101, 51, 500, 801)
    (reduced,) = people_of(content, [region], HEIGHT, WIDTH)
    (found, expected) = (
        measure(fit_to_measure(person.pixels, HEIGHT, WIDTH), person.size)
        for person in (reduced, Person(crop(decode(content), region), (801, 500)))
    )
    assert (found.width, found.height) == (expected.width, expected.height) == (500, 801)
    assert found.sharpness == pytest.approx(expected.sharpness, abs=0.02)
    assert found.brightness == pytest.approx(expected.brightness, abs=0.01)
    assert found.contrast == pytest.approx(expected.contrast, abs=0.02)


@pytest.mark.parametrize("progressive", [0, 1])
def test_a_picture_cut_short_is_refused_at_any_factor(scene: Pixels, progressive: int) -> None:
    content = jpeg(scene, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    for least in (24, 48, 96, 192, 384):
        for share in (0.1, 0.5, 0.9, 0.99):
            with pytest.raises(InvalidImage):
                people_of(content[: int(len(content) * share)], (), 2 * least, least)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_large_pictures_are_decoded_or_refused_and_nothing_else(
    turned_scene: bytes, data: st.DataObject
) -> None:
    mutated = bytearray(turned_scene)
    for _ in range(data.draw(st.integers(1, 8))):
        early = data.draw(st.integers(0, 700))  # where the headers are
        mutated[data.draw(st.sampled_from([early, data.draw(st.integers(0, len(mutated) - 1))]))] = data.draw(
            st.integers(0, 255)
        )
    try:
        people = people_of(bytes(mutated), (Region(10, 10, 500, 500),), HEIGHT, WIDTH)
    except GalleryError as refusal:
        assert str(refusal)
    else:
        again = people_of(bytes(mutated), (Region(10, 10, 500, 500),), HEIGHT, WIDTH)
        assert np.array_equal(people[0].pixels, again[0].pixels)


def test_people_are_fitted_into_the_rows_of_a_buffer_and_nothing_behind_them_changes(scene: Pixels) -> None:
    people = people_of(jpeg(scene), [Region(0, 0, 300, 600), Region(300, 0, 96, 192)], HEIGHT, WIDTH)
    buffer = np.full((3, HEIGHT, WIDTH, 3), 77, np.uint8)
    batch = fitted(people, HEIGHT, WIDTH, buffer)
    assert np.shares_memory(batch, buffer)
    assert np.array_equal(batch, fitted(people, HEIGHT, WIDTH))
    assert (buffer[2] == 77).all()


@pytest.mark.parametrize(("high", "wide"), [(192, 640), (480, 640), (1000, 96), (191, 1000)])
def test_fine_stripes_become_an_even_grey_and_not_coarse_ones(high: int, wide: int) -> None:
    stripes = np.zeros((high, wide, 3), np.uint8)
    if wide >= 2 * WIDTH:
        stripes[:, ::2] = 200
    else:
        stripes[::2] = 200
    assert fit(stripes, HEIGHT, WIDTH).std() < 200 / 2 / 3  # a third of the contrast at most
