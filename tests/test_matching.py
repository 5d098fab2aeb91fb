import uuid
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.domain import (
    Basis,
    Candidate,
    Embedding,
    Fusion,
    Neighbour,
    Outcome,
    Quality,
    QualityReason,
    ThresholdSource,
)
from gallery.matching import cosine_distance, decide, identity_distances, mean_length, rank

BASIS = Basis(0.3, ThresholdSource.MODEL, "0" * 64, margin=0.05)
GOOD = Quality(64, 128, 1.0, 0.5, 0.3)


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


def candidates(*distances: float) -> tuple[Candidate, ...]:
    return tuple(Candidate(f"person-{place}", distance, uuid.uuid4()) for place, distance in enumerate(distances))


def test_a_distance_equal_to_the_threshold_is_a_match() -> None:
    assert decide(None, candidates(BASIS.threshold), BASIS, GOOD).identity_id == "person-0"


def test_a_distance_just_over_the_threshold_is_no_match_but_still_shows_the_candidate() -> None:
    answer = decide(None, candidates(float(np.nextafter(BASIS.threshold, 1.0))), BASIS, GOOD)
    assert answer.outcome is Outcome.NO_MATCH
    assert answer.identity_id is None
    assert answer.candidates[0].identity_id == "person-0"


def test_an_empty_gallery_answers_no_match() -> None:
    assert decide(None, (), BASIS, GOOD).outcome is Outcome.NO_MATCH


def test_two_identities_within_the_threshold_and_the_margin_are_ambiguous() -> None:
    answer = decide(None, candidates(0.2, 0.24), BASIS, GOOD)
    assert (answer.outcome, answer.matched, answer.identity_id) == (Outcome.AMBIGUOUS, False, None)
    assert answer.margin == pytest.approx(0.04)


def test_a_runner_up_beyond_the_threshold_makes_nothing_ambiguous() -> None:
    assert decide(None, candidates(0.29, 0.31), BASIS, GOOD).outcome is Outcome.MATCH


def test_a_runner_up_exactly_a_margin_away_leaves_a_match() -> None:
    basis = replace(BASIS, margin=0.0625)
    assert decide(None, candidates(0.125, 0.1875), basis, GOOD).outcome is Outcome.MATCH


def test_a_probe_that_cannot_be_judged_is_rejected_however_near_it_is() -> None:
    bad = replace(GOOD, reasons=(QualityReason.BLURRED,))
    answer = decide(None, candidates(0.01), BASIS, bad)
    assert (answer.outcome, answer.matched, answer.quality) == (Outcome.REJECTED, False, bad)


def unit_rows(random: np.random.Generator, count: int, dimension: int = 6) -> Embedding:
    rows = random.normal(size=(count, dimension))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def plain_distance(probe: Embedding, own: Embedding, fusion: Fusion) -> float:
    alone = sorted(1.0 - float(np.dot(probe, template)) for template in own)
    if fusion is Fusion.BEST:
        return alone[0]
    if fusion is Fusion.TOP_K:
        return sum(alone[:3]) / len(alone[:3])
    mean = sum(template.astype(np.float64) for template in own)
    return 1.0 - float(np.dot(probe, mean / np.linalg.norm(mean)))


@pytest.mark.parametrize("fusion", Fusion)
def test_fused_distances_agree_with_plain_loops(fusion: Fusion) -> None:
    random = np.random.default_rng(3)
    templates, probes = unit_rows(random, 12), unit_rows(random, 5)
    owners = random.permutation(np.array([0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3], np.int64))
    found = identity_distances(probes, templates, owners, fusion)
    for row, probe in enumerate(probes):
        expected = [plain_distance(probe, templates[owners == owner], fusion) for owner in range(4)]
        assert found[row] == pytest.approx(expected, abs=1e-6)


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30),
    st.sampled_from(list(Fusion)),
    st.integers(1, 8),
    st.integers(0, 2**32 - 1),
)
def test_ranking_by_distances_is_ranking_by_embeddings(names: list[str], fusion: Fusion, limit: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, (probe,) = unit_rows(random, len(names)), unit_rows(random, 1)
    identities, owners = np.unique(names, return_inverse=True)
    expected = identity_distances(probe[None], rows, owners.astype(np.int64), fusion)[0]
    near = [neighbour(name, cosine_distance(probe, row)) for name, row in zip(names, rows, strict=True)]
    own = {name: [row for row, owner in zip(rows, names, strict=True) if owner == name] for name in names}
    ranked = rank(near, limit, fusion, {name: mean_length(vectors) for name, vectors in own.items()})
    order = np.argsort(expected, kind="stable")[:limit]
    assert [each.distance for each in ranked] == pytest.approx(expected[order].tolist(), abs=2e-5)
    for each in ranked:
        assert each.distance == pytest.approx(expected[identities == each.identity_id][0], abs=2e-5)
        nearest = min((one for one in near if one.identity_id == each.identity_id), key=lambda one: one.distance)
        assert each.template_id == nearest.template_id


def test_ranking_by_the_mean_leaves_out_whom_nothing_is_known_of() -> None:
    near = [neighbour("ann", 0.1), neighbour("bob", 0.2)]
    assert [each.identity_id for each in rank(near, 5, Fusion.MEAN, {"bob": 1.0})] == ["bob"]


@pytest.mark.parametrize("fusion", Fusion)
def test_ranking_of_nobody_is_empty(fusion: Fusion) -> None:
    assert rank([], 5, fusion) == ()


def test_templates_that_cancel_out_are_at_a_distance_all_the_same() -> None:
    lengths = {"ann": mean_length([np.array([0, 1], np.float32), np.array([0, -1], np.float32)])}
    (candidate,) = rank([neighbour("ann", 0.5), neighbour("ann", 1.5)], 5, Fusion.MEAN, lengths)
    assert 0.0 <= candidate.distance <= 2.0


@pytest.mark.parametrize("fusion", Fusion)
def test_equal_fused_distances_are_ordered_by_identity(fusion: Fusion) -> None:
    near = [neighbour("bob", 0.3), neighbour("ann", 0.7), neighbour("bob", 0.7), neighbour("ann", 0.3)]
    ranked = rank(near, 2, fusion, {"ann": 0.8, "bob": 0.8})
    assert [each.identity_id for each in ranked] == ["ann", "bob"]


@pytest.mark.parametrize(("angle", "distance"), [(0.0, 0.0), (np.pi / 2, 1.0), (np.pi, 2.0)])
def test_cosine_distance_runs_from_0_to_2(angle: float, distance: float) -> None:
    one = np.array([1, 0], np.float32)
    other = np.array([np.cos(angle), np.sin(angle)], np.float32)
    assert cosine_distance(one, other) == pytest.approx(distance, abs=1e-6)


def test_rounding_never_makes_a_distance_negative() -> None:
    vector = np.full(3, np.float32(0.57735032), np.float32)
    assert cosine_distance(vector, vector) >= 0.0
