import uuid
from dataclasses import replace
from datetime import UTC, datetime

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
    Template,
    TemplateInfo,
    ThresholdSource,
)
from gallery.matching import cosine_distance, decide, identity_distances, rank, rank_fused

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


@pytest.mark.parametrize("fusion", Fusion)
def test_fused_ranking_names_each_identity_once_and_its_nearest_template(fusion: Fusion) -> None:
    random = np.random.default_rng(4)
    templates = [template(name, row) for name, row in zip("bbbcaac", unit_rows(random, 7), strict=True)]
    (probe,) = unit_rows(random, 1)
    ranked = rank_fused(probe, templates, fusion, 2)
    assert len({near.identity_id for near in ranked}) == 2
    assert ranked[0].distance <= ranked[1].distance
    for near in ranked:
        own = [one for one in templates if one.info.identity_id == near.identity_id]
        nearest = min(own, key=lambda one: cosine_distance(probe, one.embedding))
        assert near.template_id == nearest.info.template_id
        vectors = np.stack([one.embedding for one in own])
        assert near.distance == pytest.approx(plain_distance(probe, vectors, fusion), abs=1e-6)


def test_fused_ranking_of_nobody_is_empty() -> None:
    assert rank_fused(np.array([1, 0], np.float32), [], Fusion.MEAN, 5) == ()


def test_equal_fused_distances_are_ordered_by_identity() -> None:
    row = np.array([0, 1], np.float32)
    ranked = rank_fused(np.array([1, 0], np.float32), [template("bob", row), template("ann", row)], Fusion.MEAN, 2)
    assert [near.identity_id for near in ranked] == ["ann", "bob"]


def template(identity_id: str, embedding: Embedding) -> Template:
    info = TemplateInfo(uuid.uuid4(), identity_id, "0" * 64, "1" * 64, datetime.now(UTC))
    return Template(info, embedding)


@pytest.mark.parametrize(("angle", "distance"), [(0.0, 0.0), (np.pi / 2, 1.0), (np.pi, 2.0)])
def test_cosine_distance_runs_from_0_to_2(angle: float, distance: float) -> None:
    one = np.array([1, 0], np.float32)
    other = np.array([np.cos(angle), np.sin(angle)], np.float32)
    assert cosine_distance(one, other) == pytest.approx(distance, abs=1e-6)


def test_rounding_never_makes_a_distance_negative() -> None:
    vector = np.full(3, np.float32(0.57735032), np.float32)
    assert cosine_distance(vector, vector) >= 0.0
