"""`gallery-export recipe`, `inspect` and `train`."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from export.data.dataset import Dataset
from export.data.inspection import Inspection, inspect, refuse_shared, without_single
from export.data.readers import Layout, read
from export.data.splits import IdentitySplit, identity_disjoint
from export.network.recipe import Recipe
from export.network.recipe_file import read_recipe
from export.training.progress import shown

Data = Annotated[Path, typer.Argument(help="a folder per person, a Market-style folder, or a .csv or .jsonl manifest")]
Run = Annotated[Path, typer.Option(help="folder of the run; an interrupted run goes on from its last whole epoch")]
Weights = Annotated[
    str, typer.Option(help="'imagenet' (downloaded), 'none', a .weights.h5 file, or another run's checkpoint.npz")
]
Choices = Annotated[
    list[str] | None, typer.Option("--set", help="one choice over the recipe, such as schedule.epochs=40; repeatable")
]
RecipeFile = Annotated[Path | None, typer.Option(help="a recipe in TOML or JSON; what it leaves out is the default")]

console = Console()


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("recipe")(show_recipe)
    app.command("inspect")(inspect_data)
    app.command("train")(train)


def show_recipe(recipe: RecipeFile = None, choices: Choices = None) -> None:
    """Print a whole recipe as JSON: every choice there is, with its value."""
    console.print_json(json.dumps(read_recipe(Recipe(), recipe, choices or ()).as_dict()))


def inspect_data(data: Data, layout: Layout = "auto") -> None:
    """Tell what is found in a data set: people, images, cameras, unreadable files, copies."""
    show(inspect(read(data, layout)))


def train(
    data: Data, run: Run, weights: Weights = "imagenet", recipe: RecipeFile = None, choices: Choices = None
) -> None:
    """Train the light re-ID recipe; run the same command again to go on after an interruption."""
    chosen = read_recipe(Recipe(), recipe, choices or ())
    split, dataset = prepared(data, chosen)
    # TensorFlow (or JAX, or torch) is loaded only when the data can be trained on.
    from export.training.run_folder import RunFolder  # noqa: PLC0415
    from export.training.train import Material, Training  # noqa: PLC0415

    material = Material(dataset.of(split.train), dataset.of(split.held_out), split, weights)
    console.print(f"{len(material.train)} images of {len(split.train)} people train, {len(split.held_out)} held out")
    training = Training(chosen, material, RunFolder(run))
    with shown(console) as tell_step:
        training.run(tell, tell_step)
    console.print(f"the best model is {run / 'best.keras'}")


def prepared(data: Path, recipe: Recipe) -> tuple[IdentitySplit, Dataset]:
    """Read, inspect, tell what was found and split; what cannot be trained on is refused here, before the work."""
    inspection = inspect(read(data))
    show(inspection)
    dataset = without_single(inspection, leave_out=recipe.leave_out_single)
    split = identity_disjoint(dataset.samples, recipe.held_out, recipe.seed)
    refuse_shared(dataset.of(split.train), dataset.of(split.held_out), inspection)
    return split, dataset


def show(inspection: Inspection) -> None:
    """Print what was found."""
    table = Table(show_header=False, box=None)
    for name, value in inspection.summary():
        table.add_row(name, value)
    console.print(table)


def tell(row: dict[str, Any]) -> None:
    """Print one epoch: when, the loss, the figures, and how long it will still take."""
    console.print(
        f"{time.strftime('%H:%M')} epoch {row['epoch']:.0f}: loss {row['loss']:.3f}, own centre nearest "
        f"{row['accuracy']:.1%}, rank-1 {row['rank1']:.1%} and mAP {row['mean_average_precision']:.1%} of "
        f"{row['queries']:.0f} queries, {row['minutes']:.0f} min done, about {row['minutes_left']:.0f} min left"
    )
