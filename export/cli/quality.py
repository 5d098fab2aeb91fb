"""`gallery-export quality`: what each quality limit guards against, and how many good pictures it costs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from export.data.dataset import Sample
from export.data.pixels import load_all, original
from export.data.readers import read
from export.data.splits import IdentitySplit
from export.evaluation.models import Model, load_model
from export.metrics.intervals import Estimate
from export.metrics.retrieval import Labels
from export.shipping.directions import learned
from export.studies import quality_study
from gallery.bundled.directions import Directions
from gallery.domain import Embedding

_CAUGHT = "caught: as probe for the reason that the degradation should meet"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("quality")(quality)


def quality(
    model: Annotated[Path, typer.Argument(help="an .onnx file of the gallery, or an inference.keras")],
    data: Annotated[Path, typer.Argument(help="labelled people, seen by several cameras: folder or manifest")],
    split: Annotated[Path, typer.Option(help="split.json of the training, whose held-out people are measured")],
    seed: Annotated[int, typer.Option(help="of everything that is drawn")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
) -> None:
    """Show, on real pictures, how the error rates move with each measure, and what the default limits refuse."""
    people, parts = read(data), IdentitySplit.read(split)
    network = load_model(model)
    held_out = people.of(parts.held_out)
    directions = Directions.of(model.read_bytes(), str(model)) if model.suffix == ".onnx" else None
    if directions is None:
        training = _embedded(network, people.of(parts.train), "embedding people of the training")
        directions = learned(training, _embedded(network, held_out, "embedding held-out people"))
    labels = Labels.of([sample.identity for sample in held_out], [sample.camera for sample in held_out])
    found = quality_study.study(
        network, quality_study.People([original(sample) for sample in held_out], labels), directions, seed=seed
    )
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=1))
    else:
        _show(found, len(held_out))


def _embedded(network: Model, samples: tuple[Sample, ...], telling: str) -> Embedding:
    starts = range(0, len(samples), 64)
    return np.concatenate(
        [
            network.embed(load_all(samples[start : start + 64], network.height, network.width))
            for start in track(starts, telling, console=Console(stderr=True), transient=True)
        ]
    )


def _show(found: quality_study.Study, pictures: int) -> None:
    clean = ", ".join(f"{name} {rate}" for name, rate in zip(quality_study.RATES, found.clean, strict=True))
    Console().print(f"threshold {found.threshold:.3f}; all pictures as they are: {clean}")
    for title, rows in (
        ("Natural variation: against all other pictures", found.natural),
        ("Degraded on purpose: against the same pictures untouched", found.degraded),
    ):
        table = Table(
            title=title, caption=f"increase [95% over people]; * excludes 0; refused as probe / as enrolment, {_CAUGHT}"
        )
        for column in ("pictures", "n", "median of the measure", *quality_study.RATES, "refused", "caught"):
            table.add_column(column)
        for row in rows:
            changes = (_change(rate, more) for rate, more in zip(row.rates, row.increase, strict=True))
            table.add_row(
                row.name,
                str(row.rates[0].n),
                f"{row.measure} {row.measured[1]:.3f}",
                *changes,
                f"{row.refused[0]:.1%} / {row.refused[1]:.1%}",
                "" if row.caught is None else f"{row.caught.value:.1%} [{row.caught.low:.1%} to {row.caught.high:.1%}]",
            )
        Console().print(table)
    table = Table(
        "reason", "as probes", "as enrolments", title=f"What the defaults refuse of {pictures} pictures as they are"
    )
    for reason, (probe, enrolment) in found.ordinary.items():
        table.add_row(reason, f"{probe:.2%}", f"{enrolment:.2%}")
    Console().print(table)


def _change(rate: Estimate, more: Estimate) -> str:
    mark = "*" if more.low > 0 or more.high < 0 else ""
    return f"{rate.value:.3g} ({more.value:+.2g} [{more.low:+.2g} to {more.high:+.2g}]){mark}"
