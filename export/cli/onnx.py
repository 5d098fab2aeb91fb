"""`gallery-export onnx` and `quantize`: the files that are shipped."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from export.cli.evaluate import compared, embedding_progress
from export.data.dataset import Dataset
from export.data.readers import read
from export.data.splits import IdentitySplit
from export.shipping.enclosures import training_sample
from gallery.model_card import ModelCard

_DATA = "the data the model was trained on: folder or manifest"
_SPLIT = "the run's split.json: figures and threshold are of its held-out people"


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("onnx")(to_onnx)
    app.command("quantize")(quantize)


def to_onnx(
    keras: Annotated[Path, typer.Option(help="inference.keras or best.keras of a training run")],
    data: Annotated[Path, typer.Option(help=_DATA)],
    split: Annotated[Path, typer.Option(help=_SPLIT)],
    out: Annotated[Path, typer.Option(help="the ONNX file to write")],
    name: Annotated[str, typer.Option(help="the model's name")] = "person",
    version: Annotated[str, typer.Option(help="the model's version")] = "1",
    training_data: Annotated[str, typer.Option(help="a sentence on the data it was trained on")] = "",
    terms: Annotated[str, typer.Option(help="a sentence on the terms of that data")] = "not stated",
    mirrored: Annotated[
        bool,
        typer.Option(
            "--mirrored", help="look at each picture's mirror image too, a little closer: better, for twice the time"
        ),
    ] = False,
) -> None:
    """Convert a trained model to an ONNX file with its card, proved equal to Keras and measured."""
    from export.shipping.packaging import Naming, Source, package  # noqa: PLC0415 - TensorFlow takes seconds to import

    dataset, people = read(data), IdentitySplit.read(split)
    sentence = training_data or f"{len(dataset.of(people.train))} pictures of {len(people.train)} people"
    naming = Naming(name, version, sentence, terms)
    console = Console()
    with embedding_progress(console, _to_embed(dataset, people)) as tell:
        card = package(Source(keras, dataset, people, mirrored), naming, out, tell)
    _print_card(console, card, out)


def quantize(
    model: Annotated[Path, typer.Argument(help="the fp32 ONNX file with its card")],
    data: Annotated[Path, typer.Option(help=_DATA)],
    split: Annotated[Path, typer.Option(help=_SPLIT)],
    out: Annotated[Path, typer.Option(help="the int8 ONNX file to write")],
    pictures: Annotated[int, typer.Option(min=16, help="training people's pictures that set the ranges")] = 256,
    seed: Annotated[int, typer.Option(help="chooses those pictures")] = 0,
    cosine: Annotated[
        float,
        typer.Option(min=0, max=0.9999, help="least mean cosine to fp32: what that takes stays in float"),
    ] = 0.99,
    portable: Annotated[
        bool, typer.Option(help="7-bit weights: less exact, but the same on CPUs without VNNI")
    ] = False,
) -> None:
    """Make a static int8 version, calibrated on training people, and compare it with fp32 in one run."""
    from export.shipping.packaging_int8 import Calibration, package_int8  # noqa: PLC0415

    dataset, people = read(data), IdentitySplit.read(split)
    console = Console()
    calibration = Calibration(pictures, seed, 7 if portable else 8, cosine)
    with embedding_progress(console, None) as tell:  # how long the search will be is not known before
        card = package_int8(model, dataset, people, out, calibration, tell)
    _print_card(console, card, out)
    kept, reached = card.provenance["left_in_float"], card.provenance["cosine_to_fp32"]
    console.print(
        f"{len(kept)} convolutions and additions stay in float, which leaves a mean cosine of {reached['mean']:.4f} "
        f"to fp32 (n={reached['pictures']} pictures of training people)"
    )
    compared(console, [model, out], dataset.of(people.held_out))


def _to_embed(dataset: Dataset, people: IdentitySplit) -> int:
    return len(dataset.of(people.held_out)) + len(training_sample(dataset.of(people.train)))


def _print_card(console: Console, card: ModelCard, out: Path) -> None:
    table = Table("figure", "value", "95%", "n", title=f"{card.name} {card.version} ({card.precision})")
    for figure, one in card.figures.items():
        if isinstance(one, dict):
            interval = f"{one['low']:.3f}–{one['high']:.3f}"
            table.add_row(figure, f"{one['value']:.3f}", interval, f"{one['n']} {one['unit']}")
    console.print(table)
    console.print(f"On {card.figures['on']}; open set: {card.figures['open_set']}.")
    console.print(f"Threshold {card.threshold:g}: {card.threshold_note}")
    console.print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, digest {card.digest[:12]}…")
