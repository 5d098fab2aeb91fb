"""Short trainings on drawn people: they learn, they are taken up again, and they refuse what does not fit."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from export.data.augment import Augmentation
from export.data.dataset import Dataset
from export.data.pixels import load_all
from export.data.splits import identity_disjoint
from export.errors import InvalidCheckpoint
from export.network.recipe import Recipe
from export.network.recipe_file import with_choices
from export.training.checkpoint import Checkpoint
from export.training.run_folder import RunFolder
from export.training.train import Material, Training
from tests.export.people import drawn_people
from tests.export.small_network import small_network

TINY = with_choices(
    Recipe(augmentation=Augmentation(0.5, 0, 0, 0, 0, 0, 0), identities_a_batch=4, images_each=2, held_out=2),
    ["network.height=32", "network.width=32", "network.dimension=16", "schedule.epochs=2"],
)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_people(tmp_path_factory.mktemp("people"), people=8, views=4)


def _training(people: Dataset, folder: Path, *choices: str, weights: str = "none") -> Training:
    recipe = with_choices(TINY, choices)
    split = identity_disjoint(people.samples, recipe.held_out, recipe.seed)
    material = Material(people.of(split.train), people.of(split.held_out), split, weights)
    return Training(recipe, material, RunFolder(folder), small_network)


def _ignore(row: dict[str, Any]) -> None:
    pass


def test_a_run_leaves_a_model_a_history_and_a_checkpoint(people: Dataset, tmp_path: Path) -> None:
    told: list[tuple[int, int, float]] = []
    history = _training(people, tmp_path).run(_ignore, lambda *step: told.append(step))
    assert [step for step, _, _ in told] == [1, 2, 3, 1, 2, 3]
    assert {steps for _, steps, _ in told} == {3}
    assert [row["epoch"] for row in history] == [1, 2]
    assert all(np.isfinite(row["loss"]) and 0 <= row["mean_average_precision"] <= 1 for row in history)
    assert history[-1]["minutes_left"] == pytest.approx(0, abs=0.01)
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 3
    model = keras.saving.load_model(tmp_path / "best.keras")
    rows = model.predict(load_all(people.samples[:3], 32, 32), verbose=0)
    assert rows.shape == (3, 16)


def test_an_interrupted_run_goes_on_to_the_same_end(people: Dataset, tmp_path: Path) -> None:
    _training(people, tmp_path / "whole").run(_ignore)

    class Killed(Exception):
        pass

    def kill(row: dict[str, Any]) -> None:
        raise Killed

    with pytest.raises(Killed):
        _training(people, tmp_path / "cut").run(kill)
    keras.backend.clear_session()
    _training(people, tmp_path / "cut").run(_ignore)
    whole, cut = (Checkpoint.read(tmp_path / name / "checkpoint.npz") for name in ("whole", "cut"))
    assert [row["epoch"] for row in cut.facts["history"]] == [1, 2]
    for ours, theirs in zip([*whole.weights, *whole.average], [*cut.weights, *cut.average], strict=True):
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_training_of_few_steps_serves_what_it_learnt(people: Dataset, tmp_path: Path) -> None:
    training = _training(people, tmp_path, "schedule.epochs=1")
    begun = training.backbone_weights()
    training.run(_ignore)
    served = Checkpoint.read(tmp_path / "checkpoint.npz").average
    assert not any(np.array_equal(*pair) for pair in zip(begun, served, strict=False))


def test_a_checkpoint_of_another_recipe_is_refused(people: Dataset, tmp_path: Path) -> None:
    _training(people, tmp_path, "schedule.epochs=1").run(_ignore)
    with pytest.raises(InvalidCheckpoint, match=r"objective\.margin \(0\.3 here, 0\.15 there\)"):
        _training(people, tmp_path, "schedule.epochs=1", "objective.margin=0.3")
    with pytest.raises(InvalidCheckpoint, match="the training people"):
        _training(drawn_people(tmp_path / "others", people=9, views=2), tmp_path, "schedule.epochs=1")


def test_the_head_trains_alone_first_and_the_first_layers_never(people: Dataset, tmp_path: Path) -> None:
    training = _training(people, tmp_path, "schedule.head_only_epochs=1", "schedule.frozen_layers=3", "seed=2")
    steps: list[list[np.ndarray[Any, Any]]] = [training.backbone_weights()]
    training.run(lambda row: steps.append(training.backbone_weights()))
    begun, head_only, both = steps
    assert all(np.array_equal(*pair) for pair in zip(begun, head_only, strict=True))
    moved = [not np.array_equal(*pair) for pair in zip(begun, both, strict=True)]
    assert moved == [False] * 5 + [True] * 2


def test_another_run_s_weights_begin_a_run_at_another_size(people: Dataset, tmp_path: Path) -> None:
    _training(people, tmp_path / "small", "schedule.epochs=1").run(_ignore)
    start = str(tmp_path / "small" / "checkpoint.npz")
    larger = _training(people, tmp_path / "large", "network.height=64", weights=start)
    kept = Checkpoint.read(tmp_path / "small" / "checkpoint.npz").average
    assert all(np.array_equal(*pair) for pair in zip(larger.backbone_weights(), kept, strict=False))
    with pytest.raises(InvalidCheckpoint, match="another network or other people"):
        _training(people, tmp_path / "other", "network.dimension=8", weights=start)


def test_stripes_are_added_to_a_run_that_had_none(people: Dataset, tmp_path: Path) -> None:
    _training(people, tmp_path / "plain", "schedule.epochs=1").run(_ignore)
    stripes = ("schedule.epochs=1", "schedule.learning_rate=0", "network.stripes=2", "network.stripe_dimension=4")
    weights = str(tmp_path / "plain" / "checkpoint.npz")
    _training(people, tmp_path / "striped", *stripes, "schedule.weight_decay=0", weights=weights).run(_ignore)
    pixels = load_all(people.samples[:3], 32, 32)
    plain, striped = (
        keras.saving.load_model(tmp_path / name / "best.keras").predict(pixels, verbose=0)
        for name in ("plain", "striped")
    )
    # What batch normalisation has seen meanwhile differs a little.
    whole = striped[:, :16] / np.linalg.norm(striped[:, :16], axis=1, keepdims=True)
    assert np.sum(whole * plain, axis=1) == pytest.approx(np.ones(3), abs=0.05)
    assert striped.shape == (3, 24)


def test_it_stops_when_the_map_no_longer_rises(people: Dataset, tmp_path: Path) -> None:
    choices = ("schedule.epochs=50", "schedule.patience=1", "schedule.learning_rate=0", "schedule.weight_decay=0")
    history = _training(people, tmp_path, *choices, "schedule.head_only_epochs=50").run(_ignore)
    assert 2 <= len(history) < 6


def test_stripes_train_and_are_served(people: Dataset, tmp_path: Path) -> None:
    choices = ("schedule.epochs=1", "network.stripes=2", "network.stripe_dimension=4")
    history = _training(people, tmp_path, *choices).run(_ignore)
    assert np.isfinite(history[0]["loss"])
    assert keras.saving.load_model(tmp_path / "best.keras").output_shape == (None, 16 + 2 * 4)


def test_a_schedule_by_the_clock_ends_by_the_clock(people: Dataset, tmp_path: Path) -> None:
    history = _training(people, tmp_path, "schedule.minutes=0.02", "schedule.epochs=10000").run(_ignore)
    assert len(history) < 10000
    assert history[-1]["minutes_left"] < 0.02 / 2  # it may run out while the last epoch is written
    rates = [row["learning_rate"] for row in history]
    assert rates[-1] == min(rates)


def test_mixed_precision_trains_and_saves_float32(people: Dataset, tmp_path: Path) -> None:
    history = _training(people, tmp_path, "schedule.precision=mixed_bfloat16", "schedule.epochs=1").run(_ignore)
    assert np.isfinite(history[0]["loss"])
    model = keras.saving.load_model(tmp_path / "inference.keras")
    assert {layer.compute_dtype for layer in model.get_layer(index=2).layers} == {"float32"}
