"""`gallery-export ablate`: each ingredient of the light recipe on and off, on the same split."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from export.cli.train import Choices, Data, Weights, console, prepared
from export.network.recipe import Recipe
from export.network.recipe_file import read_recipe


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("ablate")(ablate)


def ablate(
    data: Data,
    run: Annotated[Path, typer.Option(help="folder of the table and of its runs; interrupted, it goes on from here")],
    weights: Weights = "imagenet",
    ingredient: Annotated[
        list[str] | None, typer.Option(help="one row of the table, repeatable; all by default")
    ] = None,
    choices: Choices = None,
) -> None:
    """Train the recipe and each change of it for fewer epochs, and tell what each ingredient is worth."""
    chosen = read_recipe(Recipe(), None, ["schedule.epochs=3", *(choices or ())])
    split, dataset = prepared(data, chosen)
    from export.training.ablate import Ablation, Row  # noqa: PLC0415
    from export.training.train import Material  # noqa: PLC0415

    material = Material(dataset.of(split.train), dataset.of(split.held_out), split, weights)

    def tell(row: Row) -> None:
        console.print(f"{row.name}: rank-1 {row.rank1}, mAP {row.mean_average_precision}")

    rows = Ablation(chosen, material, run).run(ingredient or [], tell)
    table = Table("recipe", "rank-1", "mAP", "mAP gained (paired)", title=f"{chosen.schedule.epochs} epochs a row")
    for row in rows:
        gain = f"{row.gain.value:+.3f} [{row.gain.low:+.3f}–{row.gain.high:+.3f}]"
        table.add_row(
            row.name,
            _short(row.rank1.value, row.rank1.low, row.rank1.high),
            _short(row.mean_average_precision.value, row.mean_average_precision.low, row.mean_average_precision.high),
            gain,
        )
    console.print(table)


def _short(value: float, low: float, high: float) -> str:
    return f"{value:.3f} [{low:.3f}–{high:.3f}]"
