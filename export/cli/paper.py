"""`gallery-export paper`: the paper's recipe, once or over many draws of people."""

import json
from dataclasses import replace as replaced
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from export.cli.train import Choices, Data, RecipeFile, Weights, console, show
from export.data.inspection import inspect, without_single
from export.data.readers import read
from export.metrics.intervals import Estimate, wilson
from export.network.recipe_file import read_recipe
from export.paper.figures import PAPER_ACCURACY, PAPER_OTHER_FIGURE, Classification
from export.paper.recipe import PaperRecipe
from export.training.checkpoint import replace


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("paper")(paper)


def paper(
    data: Data,
    run: Annotated[Path, typer.Option(help="folder for the model, its history and figures; one below it a draw")],
    weights: Weights = "imagenet",
    recipe: RecipeFile = None,
    choices: Choices = None,
) -> None:
    """Train the paper's recipe and tell its figures beside the paper's."""
    chosen = read_recipe(PaperRecipe(), recipe, choices or ())
    inspection = inspect(read(data))
    show(inspection)
    dataset = without_single(inspection, leave_out=chosen.people is not None)
    # TensorFlow (or JAX, or torch) is loaded only when the data can be trained on.
    from export.paper.base import base  # noqa: PLC0415
    from export.paper.train import Paper, draw_people  # noqa: PLC0415

    frozen = base(chosen, weights)
    if frozen.trained_on:
        dataset = replaced(dataset, samples=dataset.of(set(dataset.identities) - frozen.trained_on))
        console.print(f"the base was trained on {len(frozen.trained_on)} people; only the others are used")
    draws = [draw_people(dataset, inspection, chosen, chosen.seed + number) for number in range(chosen.draws)]
    workshop = Paper(chosen, frozen.network)
    found = []
    for number, draw in enumerate(draws):
        folder = run if len(draws) == 1 else run / f"draw-{number:03d}"
        found.append(workshop.run(draw, folder, console.print))
        console.print(f"draw {number + 1} of {len(draws)}: accuracy {found[-1].accuracy}")
    if len(draws) > 1:
        run.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"draws": [one.as_dict() for one in found]}, indent=1) + "\n"
        replace(run / "figures.json", lambda path: path.write_text(text, encoding="utf-8"))
    _show(found)


def _show(found: list[Classification]) -> None:
    table = Table("figure", "here", "the paper", title=f"{len(found)} draw(s), pooled")
    table.add_row("accuracy", str(_pooled([one.accuracy for one in found])), str(PAPER_ACCURACY))
    table.add_row("precision TP/(TP+FP)", str(_pooled([one.precision["pooled"] for one in found])), "")
    table.add_row("detection rate TP/(TP+FN)", str(_pooled([one.detection_rate["pooled"] for one in found])), "")
    table.add_row(
        "false detection rate FP/(FP+TN)", str(_pooled([one.false_detections_of_others for one in found])), ""
    )
    table.add_row(
        "false detection rate FP/(TP+FP)", str(_pooled([one.false_detections_of_decisions for one in found])), ""
    )
    console.print(table)
    console.print(f"the paper's other figure is {PAPER_OTHER_FIGURE:.1%}; it gives no number of images for it")
    if len(found) == 1:
        names = found[0].people
        matrix = Table("person \\ decided", *names, title="confusion matrix")
        for name, row in zip(names, found[0].confusion.tolist(), strict=True):
            matrix.add_row(name, *map(str, row))
        console.print(matrix)


def _pooled(estimates: list[Estimate]) -> Estimate:
    """Add the trials of all draws up; images of one draw are taken as independent, as the paper takes them."""
    trials = sum(one.n for one in estimates)
    return wilson(sum(round(one.value * one.n) for one in estimates if one.n), trials, estimates[0].unit)
