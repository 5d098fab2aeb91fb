"""`gallery-export trial`: the figures of the running service, not of the network alone."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from export.data.readers import read
from export.data.splits import IdentitySplit
from export.evaluation import trial
from export.evaluation.promise import hindsight
from export.metrics.intervals import wilson
from gallery.client import AsyncGalleryClient
from gallery.server import running
from gallery.settings import BUNDLED_MODEL, Settings


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("trial")(run)


def run(
    data: Annotated[Path, typer.Argument(help="labelled people: folder per person, Market-style names, or manifest")],
    split: Annotated[Path, typer.Option(help="split.json of the training, whose held-out people play")],
    enrolled: Annotated[int, typer.Option(help="how many people are enrolled", min=1)] = 50,
    templates: Annotated[int, typer.Option(help="with how many images each", min=1)] = 1,
    calibrate: Annotated[
        bool, typer.Option(help="calibrate on some of the people not enrolled, and try the others as strangers")
    ] = False,
    cohort_share: Annotated[
        float, typer.Option(help="how many of them calibrate; the threshold errs by these, the trial by the others")
    ] = 0.5,
    target_fpir: Annotated[float, typer.Option(help="share of strangers that may be taken for somebody")] = 0.01,
    draws: Annotated[int, typer.Option(help="how often the parts are dealt anew", min=1)] = 1,
    probes: Annotated[int | None, typer.Option(help="pictures of each person that are tried; all by default")] = None,
    strangers_from_training: Annotated[
        bool, typer.Option(help="strangers are people the network was trained on: flattering, but many")
    ] = False,
    server: Annotated[str | None, typer.Option(help="host:port; by default a server is started for the trial")] = None,
    model: Annotated[Path, typer.Option(help="model of the server that is started")] = BUNDLED_MODEL,
    seed: Annotated[int, typer.Option(help="who is enrolled from which camera")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
) -> None:
    """Enrol people the network never saw in a running service, and count who is found and who is turned away."""
    people, sides = read(data), IdentitySplit.read(split)
    strangers = people.of(sides.train) if strangers_from_training else ()
    first = trial.Parts(enrolled, templates, probes, seed)
    dealt = partial(trial.cast, strangers=strangers, cohort_share=cohort_share if calibrate else 0.0)
    casts = [dealt(people.of(sides.held_out), replace(first, seed=seed + draw)) for draw in range(draws)]
    outcomes = asyncio.run(_against(server, model, casts, target_fpir))
    if as_json:
        typer.echo(json.dumps([_figures(outcome) for outcome in outcomes], indent=1))
        return
    console = Console()
    if draws == 1:
        _show_one(console, outcomes[0], casts[0])
    else:
        _show_all(console, outcomes, target_fpir)


async def _against(server: str | None, model: Path, casts: Sequence[trial.Cast], target: float) -> list[trial.Outcome]:
    async with _server(server, model) as address, AsyncGalleryClient(address, timeout=30) as client:
        shown = track(casts, description="drawing", console=Console(stderr=True), disable=len(casts) == 1)
        return [await trial.run(client, chosen, target) for chosen in shown]


@asynccontextmanager
async def _server(address: str | None, model: Path) -> AsyncIterator[str]:
    if address is not None:
        yield address
        return
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(listen="127.0.0.1:0", model=model, store=Path(folder))
        async with running(settings) as started:
            yield started.address


def _show_one(console: Console, outcome: trial.Outcome, chosen: trial.Cast) -> None:
    strangers = len({sample.identity for sample in chosen.strangers})
    enrolled = len({sample.identity for sample in chosen.templates})
    table = Table(title=f"{enrolled} people enrolled with {len(chosen.templates)} images, {strangers} strangers")
    for column in ("figure", "value", "95% interval", "n"):
        table.add_column(column)
    for name, figure in [
        ("rank-1 (the nearest identity is right)", outcome.rank1),
        ("TPIR (right and a match)", outcome.tpir),
        ("taken for somebody else", outcome.identity_errors),
        ("FPIR (a stranger is taken for somebody)", outcome.fpir),
    ]:
        table.add_row(
            name, f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", f"{figure.n} {figure.unit}"
        )
    basis = outcome.basis
    table.caption = f"threshold {basis.threshold:.4f} of the {basis.threshold_source}, model {basis.model_digest[:12]}…"
    console.print(table)


def _show_all(console: Console, outcomes: Sequence[trial.Outcome], target: float) -> None:
    """Print a row a draw, and how often the target lay within the 95% interval of what was realised."""
    table = Table("draw", "threshold", "FPIR", "95%", "kept", "TPIR", "oracle's", title=f"target FPIR {target:.1%}")
    oracle = hindsight([outcome.met.strangers for outcome in outcomes], target)
    kept = 0
    for number, outcome in enumerate(outcomes):
        realised = outcome.fpir
        promise = realised.low <= target <= realised.high
        kept += promise
        table.add_row(
            str(number),
            f"{outcome.basis.threshold:.4f}",
            f"{realised.value:.2%}",
            f"{realised.low:.2%} to {realised.high:.2%}",
            "yes" if promise else "NO",
            f"{outcome.tpir.value:.1%}",
            f"{outcome.met.tpir(oracle):.1%}",
        )
    share = wilson(kept, len(outcomes), "draws")
    fpir, tpir, best = np.mean([(o.fpir.value, o.tpir.value, o.met.tpir(oracle)) for o in outcomes], axis=0)
    table.caption = (
        f"kept in {kept} of {len(outcomes)} draws (95% {share.low:.0%} to {share.high:.0%}); mean FPIR {fpir:.2%}, "
        f"TPIR {tpir:.1%}; the oracle's threshold, chosen on the strangers of all draws, {oracle:.3f}: {best:.1%}"
    )
    console.print(table)


def _figures(outcome: trial.Outcome) -> dict[str, object]:
    named = ("basis", "rank1", "tpir", "fpir", "identity_errors")
    return {name: asdict(getattr(outcome, name)) for name in named}
