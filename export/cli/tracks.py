"""`gallery-export tracks`: what fusing the images of a track gains, and what it does to strangers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from export.data.dataset import Sample
from export.data.pixels import original
from export.data.readers import read
from export.data.splits import IdentitySplit
from export.evaluation.models import Model, load_model
from export.studies.degradations import Degradation, all_degradations
from export.studies.track_trial import FIGURES, RULES, Seen, compare
from gallery.domain import QualityReason
from gallery.images import fit, fit_to_measure
from gallery.quality import measure
from gallery.tracks import weight


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("tracks")(tracks)


def tracks(
    model: Annotated[Path, typer.Argument(help="the model: .onnx with a card, or .keras")],
    data: Annotated[Path, typer.Option(help="labelled people, seen by several cameras: folder or manifest")],
    split: Annotated[Path, typer.Option(help="split.json of the training, whose held-out people are measured")],
    draws: Annotated[int, typer.Option(help="random draws a setting", min=10)] = 60,
    degraded: Annotated[float, typer.Option(help="share of degraded pictures in the second table", min=0, max=1)] = 0.5,
    seed: Annotated[int, typer.Option(help="of everything that is drawn")] = 0,
) -> None:
    """Compare single pictures with fused tracks on people outside training, as they are and with some degraded."""
    samples = [
        sample for sample in read(data).of(IdentitySplit.read(split).held_out) if sample.moment and sample.camera
    ]
    random = np.random.default_rng(seed)
    network = load_model(model)
    clean = _seen(network, samples, [None] * len(samples), random)
    worse = [each for each in all_degradations() if each.reason is not QualityReason.UNLIKE_A_PERSON]
    chosen = [worse[random.integers(len(worse))] if random.random() < degraded else None for _ in samples]
    shown = _seen(network, samples, chosen, random)
    for title, seen in (("pictures as they are", clean), (f"{degraded:.0%} of the pictures degraded", shown)):
        for templates in (1, 4):
            found = compare(clean, seen, templates, draws=draws, seed=seed)
            table = Table("rule", *FIGURES, title=f"{title}, {templates} templates; 95% intervals over {draws} draws")
            for rule, of_draws in zip(RULES, found, strict=True):
                spread = 1.96 * of_draws.std(axis=0, ddof=1) / np.sqrt(draws)
                cells = zip(of_draws.mean(axis=0), spread, strict=True)
                table.add_row(rule.name, *(f"{mean:.1%} ± {error:.1%}" for mean, error in cells))
            Console().print(table)


def _seen(
    network: Model, samples: Sequence[Sample], changes: Sequence[Degradation | None], random: np.random.Generator
) -> Seen:
    rows, weights = [], []
    for sample, change in track(list(zip(samples, changes, strict=True)), "embedding", console=Console(stderr=True)):
        picture = original(sample)
        picture = picture if change is None else np.ascontiguousarray(change.change(picture, random))
        rows.append(network.embed(fit(picture, network.height, network.width)[None])[0])
        measured = measure(fit_to_measure(picture, network.height, network.width), (picture.shape[0], picture.shape[1]))
        weights.append(weight(measured))
    return Seen(
        np.stack(rows),
        np.array(weights),
        _numbers([sample.identity for sample in samples]),
        _numbers([str(sample.camera) for sample in samples]),
        _numbers([f"{sample.identity} {sample.camera} {sample.moment}" for sample in samples]),
    )


def _numbers(names: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
