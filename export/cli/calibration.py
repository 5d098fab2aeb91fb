"""`gallery-export calibration` and `fusion`: the promise of calibrated thresholds, tried on people outside training."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from export.data.readers import read
from export.data.splits import IdentitySplit
from export.evaluation.evaluate import embed_samples
from export.evaluation.models import load_model
from export.studies.calibration_trial import DRAWS, People, Strangers, Trial, best_fixed, grown, settings, trial
from export.studies.fusion_trial import compare
from gallery.calibration import Aim
from gallery.domain import Fusion

console = Console()


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("calibration")(run)
    app.command("fusion")(fusion_rules)


def run(
    model: Annotated[Path, typer.Argument(help="the model: .onnx with a card, or .keras")],
    data: Annotated[Path, typer.Option(help="labelled people: folder per person, Market-style names, or manifest")],
    split: Annotated[Path, typer.Option(help="split.json of the training")],
    out: Annotated[Path, typer.Option(help="folder for calibration.md and calibration.png")] = Path("calibration"),
    fpir: Annotated[float, typer.Option(help="the target FPIR")] = 0.01,
    fusion: Annotated[Fusion, typer.Option(help="how several templates decide")] = Fusion.MEAN,
    strangers: Annotated[
        Strangers, typer.Option(help="who calibrates and who tests: other people held out, or the many of training")
    ] = "training",
    draws: Annotated[int, typer.Option(help="random draws a setting", min=10)] = DRAWS,
    seed: Annotated[int, typer.Option(help="who plays what")] = 0,
) -> None:
    """Calibrate galleries of held-out people, and try each on strangers it never met.

    Galleries are of 10, 50 and 100 people with 1 and 4 templates, as far as there are people for them.
    """
    aim = Aim(fpir, fusion, seed)
    people = _embedded(model, data, split)
    done: list[Trial] = []
    with Progress(console=console, transient=True) as progress:
        for setting in progress.track(settings(people, strangers), description="calibrating"):
            done.append(trial(people, setting, aim, draws))
    fixed = best_fixed(done)
    rows = [_row(one, done, fixed) for one in done]
    out.mkdir(parents=True, exist_ok=True)
    (out / "calibration.md").write_text(_markdown(rows, fixed, aim, strangers), encoding="utf-8")
    plot(done, fixed).savefig(out / "calibration.png", dpi=150)
    title = f"target FPIR {fpir:.1%}, {fusion} of templates, {draws} draws a setting, strangers: {strangers}"
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    console.print(f"best fixed threshold, in hindsight: {fixed:.3f}; {out}/calibration.md, {out}/calibration.png")


def fusion_rules(
    model: Annotated[Path, typer.Argument(help="the model: .onnx with a card, or .keras")],
    data: Annotated[Path, typer.Option(help="labelled people: folder per person, Market-style names, or manifest")],
    split: Annotated[Path, typer.Option(help="split.json of the training")],
    fpir: Annotated[float, typer.Option(help="the FPIR at which the rules are compared")] = 0.01,
) -> None:
    """Compare how several templates decide (best, mean, top-k) on people outside training."""
    people = _embedded(model, data, split)
    rows = np.flatnonzero(np.isin(people.labels.identities, people.unseen))
    table = Table("gallery × templates", "rule", "rank-1", f"TPIR at FPIR {fpir:.1%}", "matches with a wrong identity")
    for one in compare(people.embeddings[rows], people.labels.of_rows(rows), fpir):
        table.add_row(
            f"{one.size} × {one.templates}",
            one.fusion,
            f"{one.rank1:.1%}",
            f"{one.tpir:.1%} ± {one.error:.1%}",
            f"{one.mistaken:.1%}",
        )
    console.print(table)


def plot(done: list[Trial], fixed: float) -> Figure:
    """Draw the realised FPIR of every draw: calibrated, and at the best fixed threshold."""
    figure = Figure(figsize=(8.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for place, one in enumerate(done):
        for shift, colour, name, thresholds in (
            (-0.17, "#0072B2", "calibrated", one.thresholds),
            (0.17, "#D55E00", f"best fixed threshold ({fixed:.2f})", np.full(len(one.draws), fixed)),
        ):
            realised = one.fpir(thresholds)
            spread = np.linspace(-0.1, 0.1, len(realised))
            label = name if place == 0 else None
            axes.scatter(place + shift + spread, np.maximum(realised, 5e-4), s=9, color=colour, alpha=0.6, label=label)
            axes.hlines(realised.mean(), place + shift - 0.14, place + shift + 0.14, color=colour)
    axes.axhline(done[0].target, color="black", linestyle=":", label=f"target {done[0].target:.1%}")
    axes.set_xticks(range(len(done)), [_name(one) for one in done])
    axes.set(yscale="log", ylabel="FPIR realised on unseen strangers", title="Each dot is a draw, each bar their mean")
    axes.legend(fontsize="small")
    axes.grid(axis="y", alpha=0.3)
    return figure


def _embedded(model: Path, data: Path, split: Path) -> People:
    dataset, parts, network = read(data), IdentitySplit.read(split), load_model(model)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("embedding", total=len(dataset.samples))
        embedded = embed_samples(network, dataset.samples, lambda count: progress.advance(task, count))
    names = np.asarray([sample.identity for sample in embedded.samples], np.str_)
    trained = np.unique(embedded.labels.identities[np.isin(names, parts.train)])
    return People(embedded.embeddings, embedded.labels, trained.astype(np.int64))


def _row(one: Trial, done: list[Trial], fixed: float) -> dict[str, str]:
    thresholds, same = one.thresholds, np.full(len(one.draws), fixed)
    oracle = np.full(len(one.draws), one.oracle())
    small = next(other for other in done if other.templates == one.templates)
    return {
        "gallery": _name(one),
        "threshold": f"{thresholds.mean():.3f} ± {thresholds.std():.3f}",
        "FPIR": f"{one.fpir(thresholds).mean():.2%}",
        "kept": f"{one.kept(thresholds):.0%}",
        "kept (test n)": f"{one.kept(thresholds, both=False):.0%}",
        "TPIR": f"{one.tpir(thresholds):.1%}",
        "oracle's TPIR": f"{one.tpir(oracle):.1%}",
        "fixed: FPIR": f"{one.fpir(same).mean():.2%}",
        "fixed: kept": f"{one.kept(same):.0%}",
        "fixed: TPIR": f"{one.tpir(same):.1%}",
        f"corrected from {small.size}: FPIR": f"{one.fpir(grown(small, one)).mean():.2%}",
        "uncorrected": f"{one.fpir(small.thresholds).mean():.2%}",
    }


def _name(one: Trial) -> str:
    return f"{one.size} × {one.templates}"


def _markdown(rows: list[dict[str, str]], fixed: float, aim: Aim, strangers: Strangers) -> str:
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
    return (
        f"# Target FPIR {aim.target_fpir:.1%}, {aim.fusion} of templates, strangers: {strangers}\n\n"
        + "\n".join(lines)
        + "\n\n"
        "gallery: identities, never seen in training, × templates. kept: share of draws whose realised FPIR has the "
        "target in its 95% interval, n of both samples of strangers, or of the tested ones alone. oracle: one "
        "threshold a row, with which all its test strangers together realise the target. fixed: one threshold for all "
        f"rows, the best in hindsight, {fixed:.3f}. corrected from: thresholds of the smallest galleries, carried to "
        "this size by their tails.\n"
    )
