import numpy as np
import pytest
from numpy.typing import NDArray

from export.metrics.intervals import bootstrap_mean, wilson
from export.metrics.retrieval import Labels, market_queries, ranked_gallery, retrieve
from gallery.domain import Embedding


def crowd(seed: int, people: int = 7, images: int = 60) -> tuple[Embedding, Labels]:
    random = np.random.default_rng(seed)
    identities = random.integers(0, people, images)
    centres = random.normal(size=(people, 5))
    vectors = centres[identities] + 0.9 * random.normal(size=(images, 5))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit, Labels(identities.astype(np.int64), random.integers(0, 3, images).astype(np.int64))


def by_loops(embeddings: Embedding, labels: Labels) -> tuple[list[float], list[float], list[int]]:
    precisions, penalties, firsts = [], [], []
    seen: set[tuple[int, int]] = set()
    for query in range(len(labels)):
        key = (int(labels.identities[query]), int(labels.cameras[query]))
        if key in seen:
            continue
        seen.add(key)
        ranking = []
        for row in range(len(labels)):
            if (labels.identities[row], labels.cameras[row]) != key:
                ranking.append(
                    (1 - float(np.dot(embeddings[query], embeddings[row])), labels.identities[row] == key[0])
                )
        ranking.sort(key=lambda pair: pair[0])
        hits = [place for place, (_, right) in enumerate(ranking, start=1) if right]
        if hits:
            precisions.append(sum((count + 1) / place for count, place in enumerate(hits)) / len(hits))
            penalties.append(len(hits) / hits[-1])
            firsts.append(hits[0] - 1)
    return precisions, penalties, firsts


@pytest.mark.parametrize("seed", range(6))
def test_retrieval_agrees_with_plain_loops(seed: int) -> None:
    embeddings, labels = crowd(seed)
    precisions, penalties, firsts = by_loops(embeddings, labels)
    found = retrieve(embeddings, labels)
    assert np.allclose(found.average_precision, precisions, atol=1e-6)
    assert np.allclose(found.inverse_penalty, penalties)
    assert found.first_rank.tolist() == firsts
    assert found.mean_average_precision.value == pytest.approx(np.mean(precisions))
    assert np.allclose(found.cmc(10), [np.mean([first < rank for first in firsts]) for rank in range(1, 11)])
    assert found.rank(5).value == pytest.approx(found.cmc(5)[-1])
    assert found.rank(1).n == len(firsts)


def test_many_queries_are_ranked_as_few_are() -> None:
    embeddings, labels = crowd(3, people=300, images=900)
    precisions, _, firsts = by_loops(embeddings, labels)
    found = retrieve(embeddings, labels)
    assert found.first_rank.tolist() == firsts
    assert np.allclose(found.average_precision, precisions, atol=1e-6)


def test_images_of_the_same_person_and_camera_are_left_out_of_the_ranking() -> None:
    embeddings = np.eye(4, dtype=np.float32)[[0, 0, 1, 2]]
    labels = Labels.of(["a", "a", "a", "b"], ["c1", "c1", "c2", "c1"])
    assert [row for row, _ in ranked_gallery(embeddings, labels, 0, 10)] == [2, 3]


def test_a_person_seen_by_one_camera_asks_no_question_and_is_counted() -> None:
    embeddings = np.eye(3, dtype=np.float32)
    found = retrieve(embeddings, Labels.of(["a", "a", "b"], ["c1", "c2", "c1"]))
    assert (len(found.queries), found.without_answer) == (2, 1)


def test_without_cameras_every_image_is_a_query_and_only_itself_is_left_out() -> None:
    labels = Labels.of(["a", "a", "b"], [None, None, None])
    assert market_queries(labels).tolist() == [0, 1, 2]
    embeddings = np.eye(3, dtype=np.float32)
    assert {row for row, _ in ranked_gallery(embeddings, labels, 0, 10)} == {1, 2}


def test_wilson_gives_the_interval_of_the_papers_54_of_55() -> None:
    estimate = wilson(54, 55)
    assert (round(estimate.low, 3), round(estimate.high, 3)) == (0.904, 0.997)


@pytest.mark.parametrize(("successes", "trials", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)])
def test_wilson_stays_within_0_and_1(successes: int, trials: int, low: float, high: float) -> None:
    estimate = wilson(successes, trials)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (low, high)


def test_wilson_of_no_trials_knows_nothing() -> None:
    estimate = wilson(0, 0)
    assert np.isnan(estimate.value)
    assert (estimate.low, estimate.high, estimate.n) == (0.0, 1.0, 0)


def bootstrap_by_loops(values: NDArray[np.float64], groups: list[str]) -> tuple[float, float]:
    random = np.random.default_rng(1)
    names = sorted(set(groups))
    members = {name: [value for value, group in zip(values, groups, strict=True) if group == name] for name in names}
    means = []
    for _ in range(4000):
        drawn = [value for name in random.choice(names, len(names)) for value in members[str(name)]]
        means.append(np.mean(drawn))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def test_the_bootstrap_resamples_whole_identities() -> None:
    random = np.random.default_rng(0)
    groups = [f"p{group}" for group in random.integers(0, 12, 80)]
    values = np.asarray([int(group[1:]) % 2 for group in groups], np.float64) + random.normal(0, 0.1, 80)
    low, high = bootstrap_by_loops(values, groups)
    estimate = bootstrap_mean(values, groups, "probes", resamples=4000)
    assert estimate.value == pytest.approx(values.mean())
    assert np.allclose((estimate.low, estimate.high), (low, high), atol=0.03)
    naive = 2 * 1.96 * values.std() / np.sqrt(len(values))
    assert estimate.high - estimate.low > 1.5 * naive


def test_the_bootstrap_of_nothing_knows_nothing() -> None:
    assert np.isnan(bootstrap_mean([], [], "probes").value)
