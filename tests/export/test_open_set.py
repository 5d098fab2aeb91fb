import numpy as np
import pytest

from export.errors import InvalidData
from export.metrics.open_set import Setting, deal, default_gallery_size, enrollable, open_set, sizes_up_to
from export.metrics.retrieval import Labels
from export.metrics.verification import all_pairs, curve, equal_error_rate, largest_threshold, tar_at_far
from gallery.domain import Embedding, Fusion


def crowd(seed: int, people: int = 12, images: int = 150, noise: float = 0.6) -> tuple[Embedding, Labels]:
    random = np.random.default_rng(seed)
    identities = random.integers(0, people, images)
    vectors = random.normal(size=(people, 6))[identities] + noise * random.normal(size=(images, 6))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit, Labels(identities.astype(np.int64), random.integers(0, 4, images).astype(np.int64))


def distance(embeddings: Embedding, one: int, other: int) -> float:
    return 1 - float(embeddings[one] @ embeddings[other])


def identity_distance(embeddings: Embedding, one: int, templates: list[int], fusion: Fusion) -> float:
    if fusion is Fusion.BEST:
        return min(distance(embeddings, one, other) for other in templates)
    total = sum(embeddings[other] for other in templates)
    return 1 - float(embeddings[one] @ total / np.linalg.norm(total))


@pytest.mark.parametrize("seed", range(4))
def test_verification_agrees_with_plain_loops(seed: int) -> None:
    embeddings, labels = crowd(seed, images=60)
    genuine, impostor = [], []
    for one in range(60):
        for other in range(one + 1, 60):
            if labels.identities[one] != labels.identities[other]:
                impostor.append(distance(embeddings, one, other))
            elif labels.cameras[one] != labels.cameras[other]:
                genuine.append(distance(embeddings, one, other))
    pairs = all_pairs(embeddings, labels)
    assert np.allclose(np.sort(pairs.genuine), np.sort(genuine), atol=1e-6)
    assert np.allclose(np.sort(pairs.impostor), np.sort(impostor), atol=1e-6)
    for rate in (0.01, 0.1, 0.5):
        best = max(
            t for t in [-1.0, *impostor, *genuine] if sum(i <= t + 1e-6 for i in impostor) <= rate * len(impostor)
        )
        expected = sum(g <= best + 1e-6 for g in genuine) / len(genuine)
        assert tar_at_far(pairs, rate).value == pytest.approx(expected)
    gaps = []
    for t in genuine + impostor:
        fmr = sum(i <= t + 1e-6 for i in impostor) / len(impostor)
        fnmr = sum(g > t + 1e-6 for g in genuine) / len(genuine)
        gaps.append((abs(fmr - fnmr), (fmr + fnmr) / 2))
    error = equal_error_rate(pairs)
    assert error.value == pytest.approx(min(gaps)[1], abs=1e-3)
    assert error.low < error.value < error.high and error.n == len(genuine)


def test_the_det_curve_gives_the_rates_at_its_thresholds() -> None:
    pairs = all_pairs(*crowd(1))
    line = curve(pairs)
    assert (line.fmr[0], line.fnmr[0]) == (0.0, 1.0)
    assert (line.fmr[-1], line.fnmr[-1]) == (1.0, 0.0)
    for point in range(0, len(line.threshold), 37):
        assert line.fmr[point] == pytest.approx(np.mean(pairs.impostor <= line.threshold[point]))
        assert line.fnmr[point] == pytest.approx(np.mean(pairs.genuine > line.threshold[point]))


def test_a_large_set_is_thinned_evenly() -> None:
    embeddings, labels = crowd(1)
    pairs = all_pairs(embeddings, labels, max_images=50)
    assert 0 < len(pairs.genuine) + len(pairs.impostor) <= 50 * 49 / 2


@pytest.mark.parametrize(
    ("rate", "within"), [(0.0, 0), (0.01, 1), (0.0099, 0), (0.05, 5), (0.5, 50), (0.999, 99), (1.0, 100)]
)
def test_the_threshold_for_a_rate_lets_in_as_many_as_it_may_and_no_more(rate: float, within: int) -> None:
    others = np.random.default_rng(0).permutation(np.linspace(0.1, 1.2, 100, dtype=np.float32))
    assert int(np.sum(others <= largest_threshold(others, rate))) == within


def test_equal_distances_are_let_in_together_or_not_at_all() -> None:
    others = np.full(100, 0.5, np.float32)
    assert int(np.sum(others <= largest_threshold(others, 0.05))) == 0


def test_without_strangers_no_threshold_is_too_large() -> None:
    assert largest_threshold(np.empty(0, np.float32), 0.01) == 2.0


def test_a_draw_keeps_templates_probes_and_both_kinds_of_strangers_apart() -> None:
    _, labels = crowd(2)
    for seed in range(10):
        roles = deal(labels, Setting(5, 3), np.random.default_rng(seed))
        people = [set(labels.identities[rows].tolist()) for rows in (roles.probes, roles.calibration, roles.strangers)]
        assert people[0] <= set(roles.enrolled.tolist())
        assert not people[0] & people[1] and not people[0] & people[2] and not people[1] & people[2]
        assert set(labels.identities[roles.templates].tolist()) == set(roles.enrolled.tolist())
        taken = {(labels.identities[row], labels.cameras[row]) for row in roles.templates}
        assert not taken & {(labels.identities[row], labels.cameras[row]) for row in roles.probes}


def test_fewer_templates_are_the_first_of_more_and_the_probes_stay() -> None:
    _, labels = crowd(2)
    few = deal(labels, Setting(5, 1), np.random.default_rng(4))
    many = deal(labels, Setting(5, 4), np.random.default_rng(4))
    assert few.enrolled.tolist() == many.enrolled.tolist()
    assert few.probes.tolist() == many.probes.tolist()
    assert few.templates.tolist() == many.templates[many.first_template].tolist()


@pytest.mark.parametrize(("templates", "fusion"), [(1, Fusion.BEST), (3, Fusion.BEST), (3, Fusion.MEAN)])
def test_open_set_identification_agrees_with_plain_loops(templates: int, fusion: Fusion) -> None:
    embeddings, labels = crowd(3)
    setting = Setting(5, templates, draws=3, seed=11, fusion=fusion)
    found = open_set(embeddings, labels, setting)
    hits, alarms = [], []
    for stream in np.random.SeedSequence(11).spawn(3):
        roles = deal(labels, setting, np.random.default_rng(stream))
        own = {
            person: [row for row in roles.templates if labels.identities[row] == person] for person in roles.enrolled
        }
        near = {
            row: min((identity_distance(embeddings, row, rows, fusion), who) for who, rows in own.items())
            for row in range(len(labels))
        }
        threshold = sorted(near[row][0] for row in roles.calibration)[int(0.05 * len(roles.calibration))] - 1e-6
        hits += [near[row][0] <= threshold and near[row][1] == labels.identities[row] for row in roles.probes]
        alarms += [near[row][0] <= threshold for row in roles.strangers]
    assert found.tpir(0.05).value == pytest.approx(np.mean(hits))
    assert found.realised_fpir(0.05).value == pytest.approx(np.mean(alarms))
    assert (found.tpir(0.05).n, found.realised_fpir(0.05).n) == (len(hits), len(alarms))


def test_people_seen_by_one_camera_are_strangers_but_never_enrolled() -> None:
    labels = Labels.of(["a", "a", "b", "b", "c", "d"], ["1", "1", "1", "2", "1", "2"])
    assert enrollable(labels).tolist() == [1]
    assert default_gallery_size(labels) == 1
    assert deal(labels, Setting(1, 1), np.random.default_rng(0)).enrolled.tolist() == [1]


def test_a_gallery_that_leaves_no_strangers_is_refused() -> None:
    embeddings, labels = crowd(0, people=6)
    with pytest.raises(InvalidData, match="a gallery of 5 cannot be drawn from 6 people"):
        open_set(embeddings, labels, Setting(5, 1))


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    embeddings, labels = crowd(0)
    one, again, other = (open_set(embeddings, labels, Setting(5, 1, 4, seed)) for seed in (1, 1, 2))
    assert one.tpir(0.05) == again.tpir(0.05)
    assert one.thresholds(0.05).tolist() != other.thresholds(0.05).tolist()


def test_gallery_sizes_are_round_and_end_with_the_largest() -> None:
    assert sizes_up_to(50) == [5, 10, 20, 50]
    assert sizes_up_to(73) == [5, 10, 20, 50, 73]
