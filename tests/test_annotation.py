import uuid
from dataclasses import replace

import numpy as np
import pytest

from gallery.annotation import FALSE_COLOUR, TRUE_COLOUR, annotate, lines_of
from gallery.domain import (
    Basis,
    Candidate,
    Identification,
    Pixels,
    Quality,
    QualityReason,
    Region,
    ThresholdSource,
)
from gallery.matching import decide

BASIS = Basis(0.3, ThresholdSource.MODEL, "ab" * 32)
BOX = Region(300, 200, 80, 160)


@pytest.fixture
def frame() -> Pixels:
    return np.full((480, 640, 3), 128, np.uint8)


def person(region: Region | None, distance: float | None = 0.1, name: str = "ann") -> Identification:
    near = () if distance is None else (Candidate(name, distance, uuid.uuid4()),)
    return decide(region, near, BASIS, Quality(80, 160, 0.5, 0.5, 0.5))


@pytest.mark.parametrize(("distance", "colour"), [(0.1, TRUE_COLOUR), (0.5, FALSE_COLOUR), (None, FALSE_COLOUR)])
def test_the_box_is_drawn_where_the_region_says_in_the_colour_of_the_answer(
    frame: Pixels, distance: float | None, colour: tuple[int, int, int]
) -> None:
    drawn = annotate(frame, [person(BOX, distance)])
    for y, x in [(280, 300), (280, 379), (359, 340)]:
        assert tuple(drawn[y, x]) == colour
    assert (drawn[260:300, 320:360] == 128).all()


def test_the_picture_that_was_given_is_not_drawn_on(frame: Pixels) -> None:
    annotate(frame, [person(BOX)])
    assert (frame == 128).all()


def test_the_tag_says_who_how_near_true_or_false_and_how_large() -> None:
    assert lines_of(person(BOX), BOX) == ["TRUE ann", "0.100 <= 0.300  80×160"]
    assert lines_of(person(BOX, 0.5), BOX) == ["FALSE ann?", "0.500 > 0.300  80×160"]
    assert lines_of(person(BOX, None), BOX) == ["FALSE nobody enrolled", "80×160"]


def test_the_tag_names_both_identities_of_an_ambiguous_answer_and_the_reason_of_a_rejection() -> None:
    near = (Candidate("ann", 0.1, uuid.uuid4()), Candidate("bob", 0.11, uuid.uuid4()))
    clear = Quality(80, 160, 0.5, 0.5, 0.5)
    ambiguous = decide(BOX, near, replace(BASIS, margin=0.05), clear)
    assert lines_of(ambiguous, BOX) == ["FALSE ann or bob?", "0.100 <= 0.300  80×160"]
    dark = replace(clear, reasons=(QualityReason.TOO_DARK, QualityReason.BLURRED))
    assert lines_of(decide(BOX, near, BASIS, dark), BOX) == ["FALSE cannot be judged", "too dark, blurred  80×160"]


def test_the_tag_stands_above_the_box_where_there_is_room_and_inside_where_there_is_none(frame: Pixels) -> None:
    above = annotate(frame, [person(BOX)])
    assert tuple(above[195, 305]) == TRUE_COLOUR
    inside = annotate(frame, [person(Region(300, 0, 80, 160))])
    assert tuple(inside[3, 305]) == TRUE_COLOUR


def test_a_crop_of_one_person_comes_back_large_enough_to_read() -> None:
    drawn = annotate(np.zeros((128, 64, 3), np.uint8), [person(None)])
    assert drawn.shape == (512, 256, 3)
    assert tuple(drawn[400, 0]) == TRUE_COLOUR


def test_no_name_however_long_and_in_whatever_script_leaves_the_picture(frame: Pixels) -> None:
    for name in ("x" * 256, "王" * 256, "Zoë Жанна"):
        drawn = annotate(frame, [person(Region(0, 470, 640, 10), name=name), person(BOX, name=name)])
        assert drawn.shape == frame.shape


def test_letters_of_many_scripts_are_drawn_and_not_replaced_by_question_marks(frame: Pixels) -> None:
    written = {name: annotate(frame, [person(BOX, name=name)]).tobytes() for name in ("?", "王", "Ж", "é")}
    assert len(set(written.values())) == len(written)


def test_a_box_over_the_edge_is_drawn_along_the_edge(frame: Pixels) -> None:
    drawn = annotate(frame, [person(Region(600, 400, 500, 500))])
    assert tuple(drawn[479, 620]) == TRUE_COLOUR
    assert tuple(drawn[440, 639]) == TRUE_COLOUR


def test_true_and_false_stay_readable_however_long_the_identity_is(frame: Pixels) -> None:
    matched, stranger = (annotate(frame, [person(BOX, distance, "x" * 256)]) for distance in (0.1, 0.5))
    ink_matched, ink_stranger = ((drawn[168:182, 300:345] > 200).all(axis=-1) for drawn in (matched, stranger))
    assert ink_matched.any()
    assert not np.array_equal(ink_matched, ink_stranger)


@pytest.mark.parametrize(("height", "width"), [(1, 30_000), (30_000, 1), (20, 640), (640, 20), (2, 3)])
def test_a_strip_gets_a_margin_with_room_for_the_whole_tag(height: int, width: int) -> None:
    drawn = annotate(np.full((height, width, 3), 128, np.uint8), [person(None)])
    roomy = annotate(np.full((480, 640, 3), 128, np.uint8), [person(None)])
    assert tuple(drawn[0, 0]) == TRUE_COLOUR
    assert drawn.shape[0] >= 36
    assert drawn.shape[1] >= 140
    assert (drawn[:16, 4:40] > 200).sum() > 0.9 * (roomy[:16, 4:40] > 200).sum()
