"""`gallery-export onnx`: what is measured and what is shipped."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from export.readers import read
from export.splits import IdentitySplit

console = Console()


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("onnx")(to_onnx)


def to_onnx(  # noqa: PLR0913, PLR0917 - a command has as many options as it has
    keras: Annotated[Path, typer.Option(help="inference.keras or best.keras of a training run")],
    data: Annotated[Path, typer.Option(help="the data it was trained on: folder or manifest")],
    split: Annotated[Path, typer.Option(help="the run's split.json: figures and threshold are of its held-out people")],
    out: Annotated[Path, typer.Option(help="the ONNX file to write")],
    name: Annotated[str, typer.Option(help="the model's name")] = "person",
    version: Annotated[str, typer.Option(help="the model's version")] = "1",
    training_data: Annotated[str, typer.Option(help="a sentence on the data it was trained on")] = "",
    terms: Annotated[str, typer.Option(help="a sentence on the terms of that data")] = "not stated",
) -> None:
    """Convert a trained model to an ONNX file with its card, proved equal to Keras and measured."""
    from export.packaging import Naming, Source, package  # noqa: PLC0415 - TensorFlow takes seconds to import

    dataset, people = read(data), IdentitySplit.read(split)
    sentence = training_data or f"{len(dataset.of(people.train))} pictures of {len(people.train)} people"
    naming = Naming(name, version, sentence, terms)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("embedding held-out people", total=len(dataset.of(people.held_out)))
        card = package(Source(keras, dataset, people), naming, out, lambda done: progress.advance(task, done))
    table = Table("figure", "value [95%], n", title=f"{card.name} {card.version}, on {card.figures['on']}")
    for figure, estimate in card.figures.items():
        if isinstance(estimate, dict):
            table.add_row(
                figure,
                f"{estimate['value']:.3f} [{estimate['low']:.3f}–{estimate['high']:.3f}], "
                f"n={estimate['n']} {estimate['unit']}",
            )
    console.print(table)
    console.print(f"threshold {card.threshold:g}: {card.threshold_note}")
    console.print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, digest {card.digest[:12]}…")
