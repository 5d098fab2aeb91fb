"""Calibration on drawn people: clusters of unit vectors, whose strangers follow the same law as the enrolled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import numpy as np
import pytest

from gallery.calibration import DEFAULT_MARGIN, Aim, Enrolled, Scores, calibrate, corrected, effective_number
from gallery.calibration.genuine import Genuine, genuine, margin_for
from gallery.calibration.tail import Belief, PairCounts, count_pairs, fit
from gallery.domain import (
    NO_CONTEXT,
    CalibrationReport,
    Cohort,
    Context,
    Embedding,
    Fusion,
    Template,
    TemplateInfo,
    Threshold,
    ThresholdOrigin,
)
from gallery.errors import InvalidParameter, InvalidRequest, ModelMismatch, NotEnoughEvidence
from gallery.matching import identity_distances

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DIGEST = "a" * 64
DIMENSION = 16


def unit(vectors: np.ndarray) -> Embedding:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def pictures(random: np.random.Generator, people: int, each: int, spread: float = 0.6) -> Embedding:
    """Draw people as directions, and their pictures around them: [people * each, DIMENSION], by person."""
    centres = np.repeat(unit(random.normal(size=(people, DIMENSION))), each, axis=0)
    return unit(centres + spread * unit(random.normal(size=centres.shape)))


def enrolled_people(random: np.random.Generator, people: int, each: int) -> Enrolled:
    names = tuple(f"person-{number:03d}" for number in range(people))
    owners = np.repeat(np.arange(people), each).astype(np.int64)
    return Enrolled(pictures(random, people, each), owners, names, (NO_CONTEXT,) * len(owners), DIGEST)


def cohort_of(random: np.random.Generator, people: int, each: int, digest: str = DIGEST) -> Cohort:
    names = tuple(f"stranger-{number}" for number in range(people) for _ in range(each))
    return Cohort(digest, pictures(random, people, each), names)


def calibrated(seed: int = 0, people: int = 20, each: int = 3, aim: Aim | None = None) -> CalibrationReport:
    random = np.random.default_rng(seed)
    return calibrate(
        enrolled_people(random, people, each), cohort_of(random, 100, 5), aim or Aim(0.02), version=4, now=NOW
    )


def realised(enrolled: Enrolled, threshold: float, random: np.random.Generator, fusion: Fusion = Fusion.BEST) -> float:
    met = identity_distances(pictures(random, 4000, 1), enrolled.templates, enrolled.owners, fusion)
    return float((met.min(axis=1) <= threshold).mean())


@pytest.mark.parametrize("fusion", Fusion)
@pytest.mark.parametrize("people", [5, 40])
def test_a_calibrated_threshold_lets_in_about_the_target_share_of_new_strangers(people: int, fusion: Fusion) -> None:
    shares = []
    for seed in range(5):
        random = np.random.default_rng(seed)
        enrolled = enrolled_people(random, people, 4)
        report = calibrate(enrolled, cohort_of(random, 100, 5), Aim(0.02, fusion), 1, NOW)
        shares.append(realised(enrolled, report.threshold.value, random, fusion))
    assert 0.01 < np.mean(shares) < 0.03


def test_a_threshold_carried_to_a_larger_gallery_keeps_its_promise_and_the_old_one_breaks_it() -> None:
    kept, broken = [], []
    for seed in range(5):
        random = np.random.default_rng(seed)
        threshold = calibrate(enrolled_people(random, 5, 2), cohort_of(random, 100, 5), Aim(0.02), 1, NOW).threshold
        large = enrolled_people(random, 50, 2)
        kept.append(realised(large, corrected(threshold, 50), random))
        broken.append(realised(large, threshold.value, random))
    assert 0.007 < np.mean(kept) < 0.035
    assert np.mean(broken) > 0.08


def test_the_report_says_what_it_rests_on() -> None:
    report = calibrated()
    threshold = report.threshold
    assert (threshold.version, threshold.origin, threshold.set_at) == (4, ThresholdOrigin.CALIBRATED, NOW)
    assert (threshold.target_fpir, threshold.identity_count, report.applied) == (0.02, 20, False)
    assert threshold.low is not None
    assert threshold.high is not None
    assert 0.0 < threshold.low <= threshold.value <= threshold.high < 2.0
    assert (report.stranger_people, report.stranger_images, report.strangers_needed) == (100, 500, 150)
    assert 100 <= report.effective_strangers <= 500
    assert report.fpir.low <= report.fpir.value <= report.fpir.high
    assert report.fpir.value == pytest.approx(0.02, abs=1e-4)


def test_the_same_evidence_gives_the_same_report() -> None:
    assert calibrated() == calibrated()


def test_a_stricter_target_gives_a_stricter_threshold() -> None:
    strict, lenient = (calibrated(aim=Aim(target)).threshold.value for target in (0.005, 0.1))
    assert strict < lenient


def test_the_tail_says_the_target_at_the_threshold_it_came_with() -> None:
    threshold = calibrated(aim=Aim(0.02)).threshold
    assert threshold.tail is not None
    share = np.exp(threshold.tail.intercept + threshold.tail.slope * np.log(threshold.value))
    assert 1 - (1 - share) ** 20 == pytest.approx(0.02, rel=0.5)


def test_correcting_to_the_same_size_changes_nothing_and_growth_only_tightens() -> None:
    threshold = calibrated().threshold
    values = [corrected(threshold, count) for count in (10, 20, 40, 1000)]
    assert values[1] == pytest.approx(threshold.value)
    assert values == sorted(values, reverse=True)


def test_a_pinned_threshold_is_never_corrected() -> None:
    assert corrected(Threshold(1, 0.4, ThresholdOrigin.PINNED, NOW), 10_000) == 0.4


def test_the_det_curve_is_short_and_only_ever_trades_one_error_for_the_other() -> None:
    det = calibrated().det
    assert 20 < len(det) <= 200
    for strict, lenient in pairwise(det):
        assert strict.threshold < lenient.threshold
        assert strict.fnir >= lenient.fnir
    assert det[0].fpir < 0.02 < det[-1].fpir == 1.0


def test_identities_with_one_template_leave_tpir_unknown() -> None:
    report = calibrated(each=1)
    assert report.tpir is None
    assert report.det == ()
    assert report.threshold.margin == DEFAULT_MARGIN


def test_strangers_unlike_the_gallery_s_people_are_overruled_by_the_gallery_s_own() -> None:
    random = np.random.default_rng(0)
    enrolled = enrolled_people(random, 60, 2)
    crowded = replace(enrolled, templates=unit(enrolled.templates + 1.5 * unit(np.ones((1, DIMENSION)))))
    cohort = cohort_of(random, 100, 5)
    report = calibrate(crowded, cohort, Aim(0.02), 1, NOW)
    met = identity_distances(cohort.embeddings, crowded.templates, crowded.owners, Fusion.BEST).min(axis=1)
    assert report.threshold.value < np.quantile(met, 0.005)


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, float("nan")])
def test_a_target_no_threshold_can_have_is_refused(target: float) -> None:
    with pytest.raises(InvalidParameter, match="cannot be reached"):
        Aim(target)


def test_a_cohort_of_another_model_is_refused() -> None:
    random = np.random.default_rng(0)
    with pytest.raises(ModelMismatch, match="bbbb"):
        calibrate(enrolled_people(random, 5, 2), cohort_of(random, 100, 5, "b" * 64), Aim(), 1, NOW)


@pytest.mark.parametrize(("people", "target", "needed"), [(1, 0.5, "10"), (9, 0.5, "10"), (100, 0.001, "200")])
def test_too_few_strangers_are_refused_with_how_many_are_needed(people: int, target: float, needed: str) -> None:
    random = np.random.default_rng(0)
    with pytest.raises(NotEnoughEvidence, match=f"expected {needed} people") as refusal:
        calibrate(enrolled_people(random, 5, 2), cohort_of(random, people, 5), Aim(target), 1, NOW)
    assert refusal.value.metadata["people_needed"] == needed


def test_evidence_short_of_the_rule_of_three_is_used_and_said_to_be_insufficient() -> None:
    random = np.random.default_rng(0)
    report = calibrate(enrolled_people(random, 5, 2), cohort_of(random, 30, 2), Aim(0.01), 1, NOW)
    assert report.strangers_needed == 300
    assert not report.sufficient


def test_a_stranger_who_is_enrolled_is_refused_by_name() -> None:
    random = np.random.default_rng(0)
    enrolled, cohort = enrolled_people(random, 5, 2), cohort_of(random, 100, 5)
    cohort.embeddings[7] = enrolled.templates[4]
    with pytest.raises(InvalidRequest, match=r"'stranger-1' and the identity 'person-002'"):
        calibrate(enrolled, cohort, Aim(), 1, NOW)


def test_one_picture_of_two_strangers_is_refused_by_name() -> None:
    random = np.random.default_rng(0)
    cohort = cohort_of(random, 100, 5)
    cohort.embeddings[499] = cohort.embeddings[0]
    with pytest.raises(InvalidRequest, match=r"'stranger-0' and the stranger 'stranger-99'"):
        calibrate(enrolled_people(random, 5, 2), cohort, Aim(), 1, NOW)


def template(identity_id: str, embedding: Embedding, context: Context = NO_CONTEXT) -> Template:
    return Template(TemplateInfo(uuid4(), identity_id, DIGEST, "1" * 64, NOW, context=context), embedding)


@pytest.mark.parametrize("names", ["", "aaa"])
def test_a_gallery_of_fewer_than_two_identities_is_refused(names: str) -> None:
    rows = pictures(np.random.default_rng(0), 3, 1)
    with pytest.raises(NotEnoughEvidence, match="at least 2 identities"):
        Enrolled.of([template(name, row) for name, row in zip(names, rows, strict=False)])


def test_a_template_is_asked_about_against_its_identity_s_other_cameras() -> None:
    rows = unit(np.array([[1.0, 0.0], [1.0, 0.1], [1.0, 1.0], [-1.0, 0.0]]))
    cameras = ["gate", "gate", "hall", "gate"]
    people = ["ann", "ann", "ann", "bob"]
    enrolled = Enrolled.of([template(*one) for one in zip(people, rows, map(Context, cameras), strict=True)])
    found = genuine(enrolled, np.full(4, 2.0), np.arange(4), Fusion.BEST)
    assert found.own[0] == pytest.approx(1 - rows[0] @ rows[2], abs=1e-6)
    assert found.owners.tolist() == [0, 0, 0]


def test_a_template_without_another_camera_is_asked_about_against_what_there_is() -> None:
    rows = unit(np.array([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0]]))
    enrolled = Enrolled.of([template(*one) for one in zip(["ann", "ann", "bob"], rows, strict=True)])
    assert len(genuine(enrolled, np.full(3, 2.0), np.arange(3), Fusion.BEST).own) == 2


@pytest.mark.parametrize(("minutes", "apart"), [(0, False), (4, False), (5, True), (-60, True)])
def test_times_five_minutes_apart_are_apart(minutes: int, apart: bool) -> None:
    contexts = [Context(captured_at=NOW), Context(captured_at=NOW + timedelta(minutes=minutes))]
    rows = pictures(np.random.default_rng(0), 2, 1)
    enrolled = Enrolled.of([template(*one) for one in zip("ab", rows, contexts, strict=True)])
    assert enrolled.apart(0, 1) is apart


def test_the_margin_turns_away_mistaken_matches_until_the_target_is_kept() -> None:
    own, other = np.full(200, 0.2), np.full(200, 0.9)
    own[:10], other[:10] = 0.25, 0.21
    found = Genuine(own, other, np.arange(200))
    margin = margin_for(found, 0.3, 0.01)
    assert 0.04 < margin <= 0.05
    assert found.mistaken(0.3, 0.0).sum() == 10
    assert not found.mistaken(0.3, margin).any()
    assert found.found(0.3, margin).sum() == 190


def test_too_few_matches_leave_the_stated_margin() -> None:
    found = Genuine(np.full(20, 0.2), np.full(20, 0.19), np.arange(20))
    assert margin_for(found, 0.3, 0.01) == DEFAULT_MARGIN


def test_pictures_of_one_person_that_go_together_are_worth_one() -> None:
    nearest = np.repeat([0.1, 0.9, 0.9, 0.9, 0.1], 6)
    assert effective_number(Scores(nearest, np.repeat(np.arange(5), 6), 5), 0.5) == pytest.approx(5.0)


def test_pictures_that_have_nothing_to_do_with_each_other_are_worth_themselves() -> None:
    nearest = np.random.default_rng(0).random(2000)
    worth = effective_number(Scores(nearest, np.repeat(np.arange(200), 10), 200), 0.1)
    assert 1500 < worth <= 2000


def test_everybody_weighs_the_same_however_many_pictures_they_left() -> None:
    scores = Scores(np.array([0.1, 0.1, 0.1, 0.9]), np.array([0, 0, 0, 1]), 2)
    assert scores.share_within(0.5) == 0.5
    assert scores.quantile(0.5) == 0.1
    assert scores.quantile(0.51) == 0.9


def test_the_law_is_found_again_in_draws_from_it() -> None:
    random = np.random.default_rng(0)
    people, exponent = 5000, 8.0
    pairs = random.random((people, 10)) ** (1 / exponent)  # F(d) = d^8
    counted = count_pairs(pairs, np.arange(people), people, 0.02)
    assert counted.exponent(np.ones(people)) == pytest.approx(exponent, rel=0.1)
    scores = Scores(pairs.min(axis=1), np.arange(people), people)
    law = fit(scores, exponent, scores.quantile(0.1), np.ones(people))
    assert law.share_within(0.5) == pytest.approx(1 - (1 - 0.5**8) ** 10, rel=0.15)
    assert law.distance_of(law.share_within(0.5)) == pytest.approx(0.5)


def test_what_is_expected_of_the_next_stranger_allows_for_what_is_not_known() -> None:
    random = np.random.default_rng(0)
    scores = Scores(random.random(30) ** 0.25, np.arange(30), 30)
    counts = PairCounts(random.poisson(4.0, 30).astype(np.float64), np.full(30, 0.5))
    limit = scores.quantile(0.2)
    cautious = Belief.of(scores, counts, limit, random).distance_of(0.01)
    best = fit(scores, counts.exponent(np.ones(30)), limit, np.ones(30)).distance_of(0.01)
    assert cautious < best
