"""The paper's recipe on people who do not exist, and its parts against plain loops."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from export.data.dataset import Dataset, by_identity
from export.data.inspection import inspect
from export.data.pixels import load_all
from export.errors import InvalidCheckpoint, InvalidData, InvalidRecipe, InvalidWeights
from export.paper.base import base
from export.paper.figures import classification
from export.paper.head import orthogonal
from export.paper.layers import Centres, NormalizeScale
from export.paper.model import load, predict
from export.paper.recipe import Loss, PaperRecipe
from export.paper.train import Paper, draw_people
from export.training.checkpoint import Checkpoint
from export.training.curves import write_history
from tests.export.people import drawn_people
from tests.export.small_network import small_network

QUICK = PaperRecipe(height=64, width=32, copies=3, epochs=4, people=3)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_people(tmp_path_factory.mktemp("people"), people=4, views=8)


def test_normalize_scale_puts_both_poolings_on_a_sphere() -> None:
    maps = np.random.default_rng(0).uniform(0, 1, (2, 3, 2, 4)).astype(np.float32)
    got = keras.ops.convert_to_numpy(NormalizeScale(128.0)(maps))
    for row, image in zip(got, maps, strict=True):
        mean = np.array([image[..., channel].mean() for channel in range(4)])
        largest = np.array([image[..., channel].max() for channel in range(4)])
        expected = 128 * np.concatenate([mean / np.linalg.norm(mean), largest / np.linalg.norm(largest)])
        assert row == pytest.approx(expected, rel=1e-5)


def test_gram_schmidt_keeps_the_first_direction_and_makes_the_rest_orthogonal() -> None:
    centres = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    expected: list[np.ndarray] = []
    for row in centres.astype(float):
        rest = row - sum((row @ done) * done for done in expected)
        expected.append(rest / np.linalg.norm(rest))
    assert orthogonal(centres) == pytest.approx(np.array(expected), abs=1e-5)


@pytest.mark.parametrize(
    "loss", [Loss(), Loss("cosine", dimension=8), Loss("cosine", dimension=8, centralization=0.1, gram_schmidt=True)]
)
def test_a_model_comes_back_with_identical_predictions(people: Dataset, tmp_path: Path, loss: Loss) -> None:
    recipe = PaperRecipe(height=64, width=32, copies=3, epochs=4, people=3, loss=loss)
    draw = draw_people(people, inspect(people), recipe, seed=0)
    found = Paper(recipe, base(recipe, "none", small_network).network).run(draw, tmp_path, lambda text: None)
    images = load_all(draw.test, 64, 32)
    loaded, kept = predict(load(tmp_path), images), predict(keras.saving.load_model(tmp_path / "model.keras"), images)
    assert np.array_equal(loaded, kept)
    decided = classification(draw.people, np.array([draw.people.index(s.identity) for s in draw.test]), kept.argmax(1))
    assert np.array_equal(decided.confusion, found.confusion)
    assert (tmp_path / "history.csv").read_text().startswith("epoch,accuracy,loss,val_accuracy,val_loss\n1,")
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["accuracy"]["n"] == len(draw.test)
    assert figures["paper"]["accuracy"]["value"] == pytest.approx(0.9818, abs=1e-4)


def test_the_prototypes_centres_stay_at_or_above_zero(people: Dataset, tmp_path: Path) -> None:
    draw = draw_people(people, inspect(people), QUICK, seed=0)
    Paper(QUICK, base(QUICK, "none", small_network).network).run(draw, tmp_path, lambda text: None)
    centres = next(layer for layer in load(tmp_path).layers if isinstance(layer, Centres))
    assert keras.ops.convert_to_numpy(centres.centres).min() >= 0


def test_a_draw_is_made_again_by_its_seed_and_keeps_the_sides_apart(people: Dataset) -> None:
    inspection = inspect(people)
    first, again, other = (draw_people(people, inspection, QUICK, seed) for seed in (1, 1, 5))
    assert first == again != other
    assert len(first.people) == 3
    assert set(by_identity(first.train)) == set(by_identity(first.test)) == set(first.people)
    assert not set(first.train) & set(first.test)


def test_people_of_one_moment_are_not_drawn(tmp_path: Path) -> None:
    few = drawn_people(tmp_path, people=3, views=1)
    with pytest.raises(InvalidData, match="3 people cannot be drawn: 0 have images of two moments"):
        draw_people(few, inspect(few), QUICK, seed=0)


def test_a_run_of_another_architecture_is_no_base(tmp_path: Path) -> None:
    facts = {"recipe": {"network": {"architecture": "mobilenet_v1", "alpha": 1.0, "last_stride": 1}}, "people": ["a"]}
    Checkpoint(facts, [], [], []).write(tmp_path / "checkpoint.npz")
    with pytest.raises(InvalidWeights, match="is a run of mobilenet_v1"):
        base(QUICK, str(tmp_path / "checkpoint.npz"), small_network)


def test_a_run_whose_weights_do_not_fit_is_no_base(tmp_path: Path) -> None:
    network = {"architecture": QUICK.architecture, "alpha": QUICK.alpha, "last_stride": 1}
    built = base(QUICK, "none", small_network).network.get_weights()
    for facts, weights in (({"people": ["a"]}, [np.zeros((451, 256), np.float32)]), ({}, built)):
        Checkpoint({"recipe": {"network": network}, **facts}, [], weights, []).write(tmp_path / "checkpoint.npz")
        with pytest.raises(InvalidCheckpoint, match="holds other weights than"):
            base(QUICK, str(tmp_path / "checkpoint.npz"), small_network)


def test_the_figures_are_those_of_a_plain_count() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 2])
    decided = np.array([0, 0, 1, 1, 1, 2, 2, 0, 2, 1])
    found = classification(("a", "b", "c"), labels, decided)
    pairs = list(zip(labels.tolist(), decided.tolist(), strict=True))
    true_positives = sum(label == got for label, got in pairs)
    false_positives = sum(label != got for label, got in pairs)
    true_negatives = sum(other not in (label, got) for label, got in pairs for other in range(3)) + true_positives * 0
    assert found.confusion.tolist() == [[2, 1, 0], [0, 2, 0], [1, 1, 3]]
    assert (found.accuracy.value, found.accuracy.n) == (0.7, 10)
    assert found.precision["b"].value == 2 / 4
    assert found.detection_rate["c"].value == 3 / 5
    assert found.false_detections_of_decisions.value == false_positives / (true_positives + false_positives)
    assert found.false_detections_of_others.value == false_positives / (false_positives + true_negatives)


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"test_share": 1.0}, "leaves one side empty"),
        ({"people": 1}, "cannot be told apart"),
        ({"copies": 0}, "each at least 1"),
        ({"loss": Loss(gram_schmidt=True)}, "defined on cosines"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused(choices: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRecipe, match=says):
        PaperRecipe(**choices)  # type: ignore[arg-type]


def test_more_orthogonal_centres_than_dimensions_are_refused(people: Dataset, tmp_path: Path) -> None:
    recipe = PaperRecipe(height=64, width=32, people=3, loss=Loss("cosine", dimension=2, gram_schmidt=True))
    draw = draw_people(people, inspect(people), recipe, seed=0)
    with pytest.raises(InvalidRecipe, match="cannot be orthogonal"):
        Paper(recipe, base(recipe, "none", small_network).network).run(draw, tmp_path, lambda text: None)


def test_a_history_is_a_table_of_epochs(tmp_path: Path) -> None:
    write_history({"loss": [1.0, 0.5], "val_loss": [2.0, 1.5]}, tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_text() == "epoch,loss,val_loss\n1,1.0,2.0\n2,0.5,1.5\n"
