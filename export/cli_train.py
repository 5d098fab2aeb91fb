"""`gallery-export train`."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from export.augment import Augmentation
from export.readers import read
from export.recipe import Network, Objective, Recipe, Schedule
from export.splits import identity_disjoint
from export.train import Material, Training


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("train")(train)


def train(
    data: Annotated[Path, typer.Argument(help="folder per person, Market-style folder, or manifest")],
    run: Annotated[Path, typer.Option(help="folder of the run; an interrupted run goes on from here")],
    weights: str = "imagenet",
    held_out: int = 100,
    seed: int = 0,
    height: int = 128,
    width: int = 64,
    pooling: str = "average",
    epochs: int = 20,
    minutes: float | None = None,
    learning_rate: float = 6e-4,
    frozen_layers: int = 0,
    erase: float = 0.4,
) -> None:
    """Train by the light re-ID recipe."""
    dataset = read(data)
    split = identity_disjoint(dataset.samples, held_out, seed)
    recipe = Recipe(
        Network(height=height, width=width, pooling=pooling),
        Objective(),
        Schedule(epochs=epochs, minutes=minutes, learning_rate=learning_rate, frozen_layers=frozen_layers),
        Augmentation(erase=erase),
        seed=seed,
    )
    material = Material(dataset.of(split.train), dataset.of(split.held_out), split, weights)
    typer.echo(f"{len(material.train)} images of {len(split.train)} people train; {len(split.held_out)} held out")
    Training(recipe, material, run).run(_tell)


def _tell(row: dict[str, Any]) -> None:
    typer.echo(time.strftime("%H:%M ") + " ".join(f"{name}={value:.4g}" for name, value in row.items()))


if __name__ == "__main__":
    app = typer.Typer()
    register(app)
    app()
