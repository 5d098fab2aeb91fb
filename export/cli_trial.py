"""`gallery-export trial`: the figures of the running service, not of the network alone."""

import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from export import trial
from export.readers import read
from export.splits import IdentitySplit
from gallery.client import AsyncGalleryClient
from gallery.server import running
from gallery.settings import BUNDLED_MODEL, Settings


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("trial")(run)


def run(
    data: Annotated[Path, typer.Argument(help="labelled people: folder per person, Market-style names, or manifest")],
    split: Annotated[Path, typer.Option(help="split.json of the training, whose held-out people play")],
    enrolled: Annotated[int, typer.Option(help="how many people are enrolled, one image each", min=1)] = 50,
    strangers_from_training: Annotated[
        bool, typer.Option(help="strangers are people the network was trained on: flattering, but many")
    ] = False,
    server: Annotated[str | None, typer.Option(help="host:port; by default a server is started for the trial")] = None,
    model: Annotated[Path, typer.Option(help="model of the server that is started")] = BUNDLED_MODEL,
    seed: Annotated[int, typer.Option(help="who is enrolled from which camera")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
) -> None:
    """Enrol people the network never saw in a running service, and count who is found and who is turned away."""
    people, parts = read(data), IdentitySplit.read(split)
    held_out = people.of(parts.held_out)
    chosen = trial.cast(held_out, enrolled, people.of(parts.train) if strangers_from_training else held_out, seed)
    outcome = asyncio.run(_against(server, model, chosen))
    if as_json:
        typer.echo(json.dumps(asdict(outcome), indent=1))
    else:
        _show(outcome, chosen)


async def _against(server: str | None, model: Path, chosen: trial.Cast) -> trial.Outcome:
    if server is not None:
        async with AsyncGalleryClient(server) as client:
            return await trial.run(client, chosen)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(listen="127.0.0.1:0", model=model, store=Path(folder))
        async with running(settings) as started, AsyncGalleryClient(started.address) as client:
            return await trial.run(client, chosen)


def _show(outcome: trial.Outcome, chosen: trial.Cast) -> None:
    strangers = len({sample.identity for sample in chosen.strangers})
    table = Table(title=f"{len(chosen.templates)} people enrolled with one image each, {strangers} strangers")
    for column in ("figure", "value", "95% interval", "n"):
        table.add_column(column)
    for name, figure in [
        ("rank-1 (the nearest identity is right)", outcome.rank1),
        ("TPIR (right and within the threshold)", outcome.tpir),
        ("taken for somebody else", outcome.identity_errors),
        ("FPIR (a stranger is taken for somebody)", outcome.fpir),
    ]:
        table.add_row(
            name, f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", f"{figure.n} {figure.unit}"
        )
    basis = outcome.basis
    table.caption = f"threshold {basis.threshold:.4f} of the {basis.threshold_source}, model {basis.model_digest[:12]}…"
    Console().print(table)
