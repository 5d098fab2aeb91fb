import numpy as np
import pytest

from export.errors import InvalidData
from export.evaluation.promise import Met
from export.metrics.intervals import wilson, wilson_interval
from export.metrics.retrieval import Labels
from export.studies.calibration_trial import (
    Draw,
    People,
    Setting,
    Trial,
    best_fixed,
    grown,
    settings,
    trial,
)
from export.studies.fusion_trial import SIZES, TEMPLATES, compare
from gallery.calibration import Aim, Scores
from gallery.domain import Fusion


def drawn(people: int, trained: int, each: int = 6) -> People:
    """People as directions and their pictures around them, each seen by three cameras."""
    random = np.random.default_rng(0)
    centres = np.repeat(random.normal(size=(people, 12)), each, axis=0)
    rows = centres + 0.8 * random.normal(size=centres.shape)
    names = [f"p{number:04d}" for number in range(people) for _ in range(each)]
    labels = Labels.of(names, [f"c{number % 3}" for number in range(len(names))])
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return People(unit, labels, np.arange(people - trained, people, dtype=np.int64))


@pytest.fixture(scope="module")
def small_and_large() -> tuple[Trial, Trial]:
    people, aim = drawn(160, 60), Aim(0.02, Fusion.MEAN)
    return trial(people, Setting(5, 2), aim, 6), trial(people, Setting(30, 2), aim, 6)


def test_a_trial_is_the_same_again_and_plays_each_deal_both_ways() -> None:
    people = drawn(80, 0)
    one, again = (trial(people, Setting(5, 1), Aim(0.05), 4) for _ in range(2))
    assert one.thresholds.tolist() == again.thresholds.tolist()
    assert len(one.draws) == 4
    assert one.draws[0].met.nearest is one.draws[1].met.nearest
    assert one.draws[0].met.strangers.people + one.draws[1].met.strangers.people == 75
    assert one.draws[0].report.stranger_people == one.draws[1].met.strangers.people


def test_the_people_of_training_play_strangers_beside_a_gallery_of_all_unseen_people() -> None:
    one = trial(drawn(90, 60), Setting(30, 1, "training"), Aim(0.05), 2)
    assert [draw.met.strangers.people for draw in one.draws] == [30, 30]
    assert [draw.report.stranger_people for draw in one.draws] == [30, 30]


def test_only_galleries_that_there_are_people_for_are_tried() -> None:
    assert {setting.size for setting in settings(drawn(120, 60), "training")} == {10, 50}
    assert {setting.size for setting in settings(drawn(120, 60), "unseen")} == {10}


def test_too_few_people_are_refused() -> None:
    with pytest.raises(InvalidData, match="too few for a gallery of 30"):
        trial(drawn(60, 0), Setting(30, 1), Aim(0.05), 2)


def test_the_oracle_realises_the_target_over_all_draws(small_and_large: tuple[Trial, Trial]) -> None:
    for one in small_and_large:
        realised = one.fpir(np.full(len(one.draws), one.oracle())).mean()
        assert realised <= one.target
        assert one.fpir(np.full(len(one.draws), one.oracle() + 0.02)).mean() > one.target


def test_one_threshold_for_all_sizes_lies_between_their_oracles(small_and_large: tuple[Trial, Trial]) -> None:
    small, large = small_and_large
    assert large.oracle() < best_fixed(small_and_large) < small.oracle()


def test_thresholds_carried_to_a_larger_gallery_are_stricter(small_and_large: tuple[Trial, Trial]) -> None:
    small, large = small_and_large
    carried = grown(small, large)
    assert (carried < small.thresholds).all()
    assert large.fpir(carried).mean() < large.fpir(small.thresholds).mean()


def test_a_target_far_from_what_was_realised_is_not_kept(small_and_large: tuple[Trial, Trial]) -> None:
    draw = small_and_large[0].draws[0]
    all_near = Scores(np.full(500, 0.1), np.arange(500), 500)
    none_kept = Draw(draw.report, Met(all_near, np.ones(1), np.ones(1, bool)), 500.0)
    assert not none_kept.keeps(0.2, 0.01)
    assert none_kept.met.tpir(0.2) == 0.0


def test_the_interval_of_a_share_is_wilson_s() -> None:
    expected = wilson(3, 40)
    assert wilson_interval(3 / 40, 40.0) == pytest.approx((expected.low, expected.high))


def test_every_fusion_rule_is_compared_and_one_template_makes_them_equal() -> None:
    people = drawn(120, 0)
    found = list(compare(people.embeddings, people.labels, 0.05, draws=2))
    assert len(found) == len(SIZES) * len(TEMPLATES) * len(Fusion)
    for size in SIZES:
        alone = {round(one.tpir, 6) for one in found if one.size == size and one.templates == 1}
        assert len(alone) == 1
