"""Near probes, observed over expected: they stay while the law of the calibration holds, and move when it does not."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest

from gallery.calibration import Aim, Among, Enrolled, calibrate, sighting
from gallery.domain import (
    NO_CONTEXT,
    Basis,
    Candidate,
    Cohort,
    Embedding,
    Fusion,
    Identification,
    Outcome,
    Quality,
    Threshold,
    ThresholdSource,
)
from gallery.matching import decide, identity_distances

DIGEST, DIMENSION, PEOPLE, TARGET = "a" * 64, 16, 40, 0.02
FINE = Quality(64, 128, 0.5, 0.5, 0.5)


def unit(vectors: np.ndarray) -> Embedding:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def pictures_of(random: np.random.Generator, centres: Embedding, spread: float = 0.6) -> Embedding:
    return unit(centres + spread * unit(random.normal(size=centres.shape)))


class Scene:
    """A calibrated gallery, and probes of its people and of strangers."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(7)
        self.centres = np.repeat(self.people(PEOPLE), 4, axis=0)
        owners = np.repeat(np.arange(PEOPLE), 4).astype(np.int64)
        names = tuple(f"person-{number:02d}" for number in range(PEOPLE))
        templates = pictures_of(self.random, self.centres)
        self.enrolled = Enrolled(templates, owners, names, (NO_CONTEXT,) * len(owners), DIGEST)
        strangers = np.repeat(self.people(200), 5, axis=0)
        cohort = Cohort(DIGEST, pictures_of(self.random, strangers), tuple(str(row // 5) for row in range(1000)))
        now = datetime(2026, 11, 22, tzinfo=UTC)
        self.threshold = calibrate(self.enrolled, cohort, Aim(TARGET, Fusion.MEAN), 1, now).threshold

    def people(self, count: int) -> Embedding:
        return unit(self.random.normal(size=(count, DIMENSION)))

    def strangers(self, spread: float = 0.6) -> Embedding:
        return pictures_of(self.random, self.people(20_000), spread)

    def enrolled_people(self, spread: float = 0.6) -> Embedding:
        return pictures_of(self.random, np.tile(self.centres, (100, 1)), spread)

    def ratios(self, probes: Embedding, *, nearer: float = 1.0) -> dict[Among, float]:
        """Observed over expected, with every distance ``nearer`` times what it is."""
        enrolled = self.enrolled
        met = nearer * identity_distances(probes, enrolled.templates, enrolled.owners, Fusion.MEAN)
        two = np.sort(np.partition(met, 1, axis=1)[:, :2], axis=1)
        observed: dict[Among, int] = defaultdict(int)
        expected: dict[Among, float] = defaultdict(float)
        for nearest, runner_up in two.tolist():
            if (seen := sighting(answered(nearest, runner_up, self.threshold), self.threshold)) is not None:
                observed[seen.among] += seen.near
                expected[seen.among] += seen.expected
        return {among: observed[among] / expected[among] for among in expected}


def answered(nearest: float, runner_up: float | None, threshold: Threshold) -> Identification:
    basis = Basis(threshold.value, ThresholdSource.GALLERY, DIGEST, 0.0, threshold.version, threshold.target_fpir)
    distances = [nearest] if runner_up is None else [nearest, runner_up]
    candidates = tuple(Candidate(f"p{n}", distance, UUID(int=n)) for n, distance in enumerate(distances))
    return decide(None, candidates, basis, FINE)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def test_while_the_law_holds_strangers_are_as_near_as_it_says(scene: Scene) -> None:
    assert 0.6 < scene.ratios(scene.strangers())[Among.UNMATCHED] < 1.5


@pytest.mark.parametrize(("nearer", "low", "high"), [(0.85, 1.8, 6.0), (1.15, 0.1, 0.7)])
def test_when_strangers_come_nearer_or_go_further_both_ratios_do(
    scene: Scene, nearer: float, low: float, high: float
) -> None:
    for among, probes in ((Among.UNMATCHED, scene.strangers()), (Among.MATCHED, scene.enrolled_people())):
        before = scene.ratios(probes)[among]
        assert low < scene.ratios(probes, nearer=nearer)[among] / before < high


def test_when_enrolled_people_are_missed_one_ratio_rises_and_the_other_does_not(scene: Scene) -> None:
    before = scene.ratios(np.vstack([scene.strangers(), scene.enrolled_people()]))
    after = scene.ratios(np.vstack([scene.strangers(), scene.enrolled_people(spread=1.1)]))
    assert after[Among.UNMATCHED] / before[Among.UNMATCHED] > 1.5
    assert 0.6 < after[Among.MATCHED] / before[Among.MATCHED] < 1.5


def test_nothing_is_said_of_a_probe_that_the_law_does_not_speak_of(scene: Scene) -> None:
    threshold = scene.threshold
    answer = answered(threshold.value + 0.01, None, threshold)
    assert sighting(answer, threshold) is not None
    assert sighting(answer, None) is None
    assert sighting(answer, replace(threshold, tail=None)) is None
    assert sighting(replace(answer, candidates=()), threshold) is None
    for other in (
        replace(answer.basis, threshold_source=ThresholdSource.REQUEST),
        replace(answer.basis, target_fpir=None),
        replace(answer.basis, target_fpir=0.1),
    ):
        assert sighting(replace(answer, basis=other), threshold) is None


def test_a_match_without_anybody_else_to_be_near_says_nothing(scene: Scene) -> None:
    alone = answered(0.01, None, scene.threshold)
    assert alone.outcome is Outcome.MATCH
    assert sighting(alone, scene.threshold) is None
    assert sighting(answered(0.01, 0.5, scene.threshold), replace(scene.threshold, identity_count=1)) is None
