from pathlib import Path

import pytest

from export.errors import InvalidRecipe
from export.network.recipe import Recipe
from export.network.recipe_file import read_recipe


def test_choices_lie_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text("seed = 5\n[schedule]\nepochs = 3\nminutes = 2.5\n")
    recipe = read_recipe(Recipe(), file, ["schedule.epochs=7", "network.pooling=gem"])
    assert (recipe.seed, recipe.schedule.epochs, recipe.schedule.minutes) == (5, 7, 2.5)
    assert recipe.network.pooling == "gem"
    assert recipe.objective == Recipe().objective


def test_without_file_and_choices_it_is_the_default() -> None:
    assert read_recipe(Recipe()) == Recipe()


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ("schedule.epoch=7", "a recipe has no schedule.epoch; expected one of schedule.epochs"),
        ("schedule.epochs=many", "wrong at schedule.epochs"),
        ("schedule.epochs=0", "no length"),
        ("network.architecture=resnet", "wrong at network.architecture"),
        ("network.height=100", "multiples of 32"),
        ("images_each=1", "no triplets"),
        ("images_each=0", "is empty"),
        ("objective.margin=NaN", "cannot be nan; expected a number of at least 0"),
        ("objective.margin=nan", "cannot be nan"),
        ("schedule.learning_rate=Infinity", "cannot be inf"),
        ("seed=-1", "seed cannot be -1"),
        ("network=3", "network is a group"),
        ("epochs", "chooses nothing"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(choice: str, says: str) -> None:
    with pytest.raises(InvalidRecipe, match=says):
        read_recipe(Recipe(), None, [choice])


def test_patience_needs_somebody_held_out() -> None:
    with pytest.raises(InvalidRecipe, match="nobody is held out"):
        read_recipe(Recipe(), None, ["held_out=0", "schedule.patience=2"])


def test_a_torn_recipe_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(InvalidRecipe, match="cannot be read"):
        read_recipe(Recipe(), tmp_path / "recipe.json")
