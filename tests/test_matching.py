import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.domain import Basis, Candidate, Neighbour, ThresholdSource
from gallery.matching import cosine_distance, decide, rank

BASIS = Basis(0.3, ThresholdSource.MODEL, "0" * 64)


def neighbour(identity_id: str, distance: float) -> Neighbour:
    return Neighbour(uuid.uuid4(), identity_id, distance)


def test_an_identity_is_as_near_as_its_nearest_template() -> None:
    near, far = neighbour("ann", 0.1), neighbour("ann", 0.6)
    (candidate,) = rank([far, near], 5)
    assert (candidate.distance, candidate.template_id) == (0.1, near.template_id)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 2)), max_size=40),
    st.integers(1, 8),
)
def test_ranking_agrees_with_a_plain_loop(found: list[tuple[str, float]], limit: int) -> None:
    best: dict[str, float] = {}
    for identity_id, distance in found:
        best[identity_id] = min(distance, best.get(identity_id, 9.0))
    expected = sorted(((distance, identity_id) for identity_id, distance in best.items()))[:limit]
    ranked = rank([neighbour(*pair) for pair in found], limit)
    assert [(near.distance, near.identity_id) for near in ranked] == expected


def test_equal_distances_are_ordered_by_identity_whatever_the_order_they_came_in() -> None:
    one, other = neighbour("bob", 0.2), neighbour("ann", 0.2)
    assert rank([one, other], 2) == rank([other, one], 2)


def test_a_distance_equal_to_the_threshold_is_a_match() -> None:
    assert decide(None, (Candidate("ann", BASIS.threshold, uuid.uuid4()),), BASIS).identity_id == "ann"


def test_a_distance_just_over_the_threshold_is_no_match_but_still_shows_the_candidate() -> None:
    answer = decide(None, (Candidate("ann", np.nextafter(BASIS.threshold, 1.0), uuid.uuid4()),), BASIS)
    assert not answer.matched
    assert answer.identity_id is None
    assert answer.candidates[0].identity_id == "ann"


def test_an_empty_gallery_answers_no_match() -> None:
    assert not decide(None, (), BASIS).matched


@pytest.mark.parametrize(("angle", "distance"), [(0.0, 0.0), (np.pi / 2, 1.0), (np.pi, 2.0)])
def test_cosine_distance_runs_from_0_to_2(angle: float, distance: float) -> None:
    one = np.array([1, 0], np.float32)
    other = np.array([np.cos(angle), np.sin(angle)], np.float32)
    assert cosine_distance(one, other) == pytest.approx(distance, abs=1e-6)


def test_rounding_never_makes_a_distance_negative() -> None:
    vector = np.full(3, np.float32(0.57735032), np.float32)
    assert cosine_distance(vector, vector) >= 0.0
