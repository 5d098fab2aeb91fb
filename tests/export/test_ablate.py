import json
from pathlib import Path

import pytest

from export.data.splits import identity_disjoint
from export.errors import InvalidRecipe
from export.network.recipe import Recipe
from export.network.recipe_file import with_choices
from export.training.ablate import AS_CHOSEN, INGREDIENTS, Ablation, Row, chosen
from export.training.train import Material
from tests.export.people import drawn_people
from tests.export.small_network import small_network

QUICK = with_choices(
    Recipe(identities_a_batch=4, images_each=2, held_out=3),
    ["network.height=32", "network.width=32", "network.dimension=16", "schedule.epochs=1"],
)


def test_every_ingredient_is_a_recipe_and_those_that_change_nothing_are_left_out() -> None:
    names = set(chosen(Recipe(), []))
    assert names == set(INGREDIENTS) - {
        "last stride 1",
        "average pooling",
        "all layers trained",
        "no stripes",
        "no MixStyle",
    }


def test_an_unknown_ingredient_is_refused() -> None:
    with pytest.raises(InvalidRecipe, match="no ingredient 'luck'"):
        chosen(Recipe(), ["luck"])


def test_the_table_compares_query_by_query_and_goes_on_where_it_was(tmp_path: Path) -> None:
    people = drawn_people(tmp_path / "people", people=8, views=4)
    split = identity_disjoint(people.samples, 3, seed=0)
    material = Material(people.of(split.train), people.of(split.held_out), split, "none")
    told: list[Row] = []
    rows = Ablation(QUICK, material, tmp_path / "table", small_network).run(["no triplet"], told.append)
    assert [row.name for row in rows] == [AS_CHOSEN, "no triplet"] == [row.name for row in told]
    assert (rows[0].gain.value, rows[0].gain.low, rows[0].gain.high) == (0, 0, 0)
    difference = rows[1].mean_average_precision.value - rows[0].mean_average_precision.value
    assert rows[1].gain.value == pytest.approx(difference, abs=1e-9)
    assert json.loads((tmp_path / "table" / "table.json").read_text())[1]["name"] == "no triplet"

    before = (tmp_path / "table" / "no-triplet" / "checkpoint.npz").stat().st_mtime_ns
    again = Ablation(QUICK, material, tmp_path / "table", small_network).run(["no triplet"], told.append)
    assert again == rows
    assert (tmp_path / "table" / "no-triplet" / "checkpoint.npz").stat().st_mtime_ns == before


def test_without_held_out_people_nothing_can_be_compared(tmp_path: Path) -> None:
    people = drawn_people(tmp_path / "people", people=4, views=2)
    material = Material(people.samples, (), identity_disjoint(people.samples, 0, seed=0), "none")
    with pytest.raises(InvalidRecipe, match="nobody is held out"):
        Ablation(QUICK, material, tmp_path / "table", small_network)
