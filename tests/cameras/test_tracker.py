"""The tracker: by overlap alone, greedily, with some patience."""

import pytest

from gallery.cameras import IouTracker
from gallery.cameras.tracker import overlap
from gallery.domain import Region


def at(x: int, *, width: int = 40) -> Region:
    return Region(x, 0, width, 100)


@pytest.mark.parametrize(
    ("other", "shared"),
    [(at(0), 1.0), (at(20), 1 / 3), (at(40), 0.0), (at(100), 0.0), (Region(0, 50, 40, 100), 1 / 3)],
)
def test_overlap_is_intersection_over_union(other: Region, shared: float) -> None:
    assert overlap(at(0), other) == pytest.approx(shared)
    assert overlap(other, at(0)) == pytest.approx(shared)


def test_a_person_who_walks_keeps_the_track() -> None:
    tracker = IouTracker()
    walked = [tracker.update([at(x), at(500 - x)]) for x in range(0, 200, 10)]
    assert walked == [(["t1", "t2"], [])] * 20


def test_the_order_of_the_boxes_does_not_matter() -> None:
    tracker = IouTracker()
    tracker.update([at(0), at(200)])
    assert tracker.update([at(205), at(5)]) == (["t2", "t1"], [])


def test_the_best_overlap_goes_first_and_each_track_to_one_box() -> None:
    tracker = IouTracker()
    tracker.update([at(0)])
    assert tracker.update([at(15), at(2)]) == (["t2", "t1"], [])


def test_a_box_that_overlaps_too_little_is_somebody_new() -> None:
    tracker = IouTracker(least_overlap=0.4)
    tracker.update([at(0)])
    assert tracker.update([at(20)])[0] == ["t2"]


def test_a_person_who_is_missed_for_a_while_keeps_the_track_and_then_it_ends_once() -> None:
    tracker = IouTracker(patience=2)
    tracker.update([at(0)])
    assert [tracker.update([]) for _ in range(2)] == [([], []), ([], [])]
    assert tracker.update([at(0)]) == (["t1"], [])
    assert [tracker.update([])[1] for _ in range(4)] == [[], [], ["t1"], []]
    assert tracker.update([at(0)])[0] == ["t2"]


def test_all_tracks_end_at_the_end() -> None:
    tracker = IouTracker()
    tracker.update([at(0), at(100)])
    assert tracker.finish() == ["t1", "t2"]
    assert tracker.finish() == []
