from dataclasses import fields, replace
from typing import Any

import cv2
import numpy as np
import pytest

from gallery.domain import Pixels, Quality, QualityLimits, QualityReason
from gallery.images import fit_to_measure
from gallery.quality import RECOMMENDED_ENROLMENT, RECOMMENDED_PROBE, judged, measure, strangeness, with_strangeness

GOOD = Quality(width=64, height=128, sharpness=0.4, brightness=0.5, contrast=0.5, strangeness=0.3)


def a_scene(seed: int = 0) -> Pixels:
    """Blocks and specks of many sizes: detail in every direction."""
    random = np.random.default_rng(seed)
    scene = np.zeros((128, 64, 3), np.float64)
    for size in (2, 4, 8, 16):
        blocks = random.normal(0, 25, (128 // size, 64 // size, 3))
        scene += np.repeat(np.repeat(blocks, size, 0), size, 1)
    return np.clip(scene + 128, 0, 255).astype(np.uint8)


def moved(scene: Pixels, kernel: Any) -> Pixels:
    return cv2.filter2D(scene, -1, kernel / kernel.sum()).astype(np.uint8)


def measured(crop: Pixels) -> Quality:
    return measure(fit_to_measure(crop, 0, 0), (crop.shape[0], crop.shape[1]))


def test_the_size_is_that_of_the_crop_before_resizing() -> None:
    quality = measured(a_scene()[:30, :17])
    assert (quality.width, quality.height) == (17, 30)


def test_more_blur_is_less_sharp() -> None:
    found = [
        measured(cv2.GaussianBlur(a_scene(), (0, 0), sigma).astype(np.uint8)).sharpness for sigma in (0.5, 1, 2, 4)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.3 * found[0]


@pytest.mark.parametrize(
    "kernel",
    [np.ones((1, 9)), np.ones((9, 1)), np.eye(9), np.fliplr(np.eye(9))],
    ids=["sideways", "up and down", "down right", "down left"],
)
def test_movement_in_any_direction_is_seen(kernel: Any) -> None:
    assert measured(moved(a_scene(), kernel)).sharpness < 0.65 * measured(a_scene()).sharpness


def test_sharpness_is_what_a_blur_made_in_full_takes_away() -> None:
    grey = cv2.cvtColor(a_scene(), cv2.COLOR_RGB2GRAY).astype(np.float64)
    kept = []
    for kernel, down, right in (
        (np.ones((1, 5)), 0, 1),
        (np.ones((5, 1)), 1, 0),
        (np.eye(5), 1, 1),
        (np.fliplr(np.eye(5)), 1, -1),
    ):
        blurred = cv2.filter2D(grey, -1, kernel / 5)
        before = np.mean(
            [
                abs(grey[y + down, x + right] - grey[y, x])
                for y in range(128 - down)
                for x in range(max(0, -right), 64 - max(0, right))
            ]
        )
        after = np.mean(  # where no mean of five reaches over the edge
            [
                abs(blurred[y + down, x + right] - blurred[y, x])
                for y in range(2 * down, 128 - 3 * down)
                for x in range(2 if right > 0 else 3 * abs(right), 64 - (3 if right > 0 else 2 * abs(right)))
            ]
        )
        kept.append(after / before)
    assert measured(a_scene()).sharpness == pytest.approx(1 - max(kept), abs=1e-9)


def test_a_picture_enlarged_without_new_detail_is_as_sharp_as_before() -> None:
    scene = a_scene()
    enlarged = np.repeat(np.repeat(scene, 3, axis=0), 3, axis=1)
    assert measured(enlarged).sharpness == pytest.approx(measured(scene).sharpness, rel=0.02)


def test_a_picture_of_few_pixels_is_not_sharp() -> None:
    tiny = cv2.resize(a_scene(), (12, 24), interpolation=cv2.INTER_AREA).astype(np.uint8)
    assert measured(tiny).sharpness < 0.4 * measured(a_scene()).sharpness


def test_sharpness_does_not_depend_on_contrast_or_brightness() -> None:
    faint = (a_scene() // 2 + 20).astype(np.uint8)
    assert measured(faint).sharpness == pytest.approx(measured(a_scene()).sharpness, rel=0.05)


def test_brightness_is_the_mean_and_contrast_twice_the_standard_deviation() -> None:
    picture = np.full((128, 64, 3), 51, np.uint8)
    picture[64:] = 102
    quality = measured(picture)
    assert quality.brightness == pytest.approx(0.3)
    assert quality.contrast == pytest.approx(0.2)


def test_black_and_white_are_all_the_contrast_there_is() -> None:
    picture = np.zeros((128, 64, 3), np.uint8)
    picture[64:] = 255
    assert measured(picture).contrast == pytest.approx(1.0)


def test_a_larger_network_sees_the_same_quality() -> None:
    small, large = (measure(fit_to_measure(a_scene(), side, side // 2), (128, 64)) for side in (128, 256))
    assert large.sharpness == pytest.approx(small.sharpness, rel=0.2)  # enlarging blurs a little
    assert large.brightness == pytest.approx(small.brightness, abs=0.01)
    assert large.contrast == pytest.approx(small.contrast, abs=0.03)


def test_one_colour_is_neither_sharp_nor_contrasted() -> None:
    quality = measured(np.full((128, 64, 3), 200, np.uint8))
    assert (quality.sharpness, quality.contrast) == (0.0, 0.0)
    assert quality.brightness == pytest.approx(200 / 255, abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (2, 3), (700, 900)])
def test_a_picture_of_any_size_is_measured(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    quality = measured(random.integers(0, 256, (*size, 3), np.uint8))
    assert (quality.height, quality.width) == size
    for share in (quality.sharpness, quality.brightness, quality.contrast):
        assert 0.0 <= share <= 1.0


def test_a_view_into_a_larger_picture_is_measured_like_its_copy() -> None:
    frame = np.concatenate([a_scene(1), a_scene(2), a_scene(3)], axis=1)
    view = frame[10:110, 50:110]
    assert measured(view) == measured(view.copy())


def test_strangeness_is_the_share_outside_the_directions_of_the_training() -> None:
    directions = np.asarray([[1, 0, 0, 0], [0, 0.6, 0.8, 0]], np.float32)
    people = np.asarray([[-1, 0, 0, 0], [0, 1, 0, 0], [0.6, 0.48, 0.64, 0], [0, 0, 0, 1]], np.float32)
    assert strangeness(people, directions) == pytest.approx([0.0, 0.64, 0.0, 1.0], abs=1e-6)


def test_strangeness_stays_a_share_in_spite_of_rounding() -> None:
    same = np.asarray([[1.0000001, 0]], np.float32)
    assert strangeness(same, same) == [0.0]


def test_strangeness_does_not_hang_on_who_else_is_in_the_picture() -> None:
    random = np.random.default_rng(0)
    directions = np.linalg.qr(random.normal(size=(400, 50)))[0].T.astype(np.float32)
    people = (random.normal(size=(16, 400)) / 20).astype(np.float32)
    together = strangeness(people, directions)
    assert together == [strangeness(people[row : row + 1], directions)[0] for row in range(16)]


def test_strangeness_is_added_and_nothing_else_is_changed() -> None:
    judged_already = replace(GOOD, reasons=(QualityReason.BLURRED,))
    assert with_strangeness(judged_already, 0.7) == replace(judged_already, strangeness=0.7)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (QualityLimits(min_width=65), QualityReason.TOO_SMALL),
        (QualityLimits(min_height=129), QualityReason.TOO_SMALL),
        (QualityLimits(min_sharpness=0.41), QualityReason.BLURRED),
        (QualityLimits(min_brightness=0.51), QualityReason.TOO_DARK),
        (QualityLimits(max_brightness=0.49), QualityReason.TOO_BRIGHT),
        (QualityLimits(min_contrast=0.51), QualityReason.LOW_CONTRAST),
        (QualityLimits(min_aspect=2.01), QualityReason.UNLIKELY_SHAPE),
        (QualityLimits(max_aspect=1.99), QualityReason.UNLIKELY_SHAPE),
        (QualityLimits(max_strangeness=0.29), QualityReason.UNLIKE_A_PERSON),
    ],
)
def test_a_broken_limit_gives_its_reason_alone(limits: QualityLimits, reason: QualityReason) -> None:
    assert judged(GOOD, limits).reasons == (reason,)


def test_a_picture_exactly_at_every_limit_can_be_judged() -> None:
    limits = QualityLimits(
        min_width=64,
        min_height=128,
        min_sharpness=0.4,
        min_brightness=0.5,
        max_brightness=0.5,
        min_contrast=0.5,
        min_aspect=2.0,
        max_aspect=2.0,
        max_strangeness=0.3,
    )
    assert judged(GOOD, limits) == GOOD


def test_a_limit_of_zero_is_not_the_absence_of_one() -> None:
    assert judged(GOOD, QualityLimits(max_strangeness=0.0)).reasons == (QualityReason.UNLIKE_A_PERSON,)


def test_every_reason_that_holds_is_given_in_the_order_of_the_enum() -> None:
    nothing = Quality(0, 0, sharpness=0.0, brightness=0.0, contrast=0.0, strangeness=1.0)
    assert judged(nothing, replace(RECOMMENDED_PROBE, max_strangeness=0.5)).reasons == (
        QualityReason.TOO_SMALL,
        QualityReason.BLURRED,
        QualityReason.TOO_DARK,
        QualityReason.LOW_CONTRAST,
        QualityReason.UNLIKELY_SHAPE,
        QualityReason.UNLIKE_A_PERSON,
    )


def test_no_limits_ask_nothing_of_the_worst_picture() -> None:
    assert judged(measured(np.zeros((1, 1, 3), np.uint8)), QualityLimits()).reasons == ()


def test_strangeness_is_not_asked_before_there_is_an_embedding() -> None:
    assert judged(replace(GOOD, strangeness=None), QualityLimits(max_strangeness=0.0)).reasons == ()


def test_judging_again_forgets_the_reasons_of_before() -> None:
    refused = judged(GOOD, QualityLimits(min_width=100))
    assert judged(refused, QualityLimits()).reasons == ()


def test_an_ordinary_picture_meets_the_default_limits() -> None:
    assert judged(measured(a_scene()), RECOMMENDED_PROBE).reasons == ()
    assert judged(measured(a_scene()), RECOMMENDED_ENROLMENT).reasons == ()


def test_enrolment_asks_more_than_a_probe_of_every_measured() -> None:
    for field in fields(QualityLimits):
        probe, enrolment = getattr(RECOMMENDED_PROBE, field.name), getattr(RECOMMENDED_ENROLMENT, field.name)
        if field.name == "max_strangeness":  # a model's own
            assert probe is None and enrolment is None
        else:
            assert enrolment > probe if field.name.startswith("min_") else enrolment < probe
