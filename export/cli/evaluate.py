"""`gallery-export evaluate` and `compare`: how good a model is, and which of two is better."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from export.data.dataset import Sample
from export.data.pixels import load_all
from export.data.readers import read
from export.data.splits import IdentitySplit
from export.errors import InvalidData
from export.evaluation.compare import cosine_between, interleaved_speed, tpir_change
from export.evaluation.evaluate import Evaluation, embed_samples, evaluate, figures, summary
from export.evaluation.evaluate import Progress as Tell
from export.evaluation.models import Model, Scaling, load_model
from export.evaluation.report import Subject, html_report
from export.metrics.open_set import DEFAULT_FUSION
from export.training.checkpoint import replace
from gallery.domain import Fusion

_TIMED_PICTURES = 8

Models = Annotated[list[Path], typer.Option("--model", help="a .keras or .onnx file; give several to compare them")]
Data = Annotated[Path, typer.Option(help="folder per person, Market-style folder, or manifest")]
Split = Annotated[Path | None, typer.Option(help="a run's split.json: measure its held-out people only")]
Scaled = Annotated[Scaling | None, typer.Option(help="how an ONNX file without a model card wants its input scaled")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("evaluate")(evaluate_models)
    app.command("compare")(compare)


def evaluate_models(
    model: Models,
    data: Data,
    out: Annotated[Path, typer.Option(help="folder for figures.json and report.html")],
    split: Split = None,
    scaling: Scaled = None,
    seed: Annotated[int, typer.Option(help="deals the open-set parts")] = 0,
    fusion: Annotated[Fusion, typer.Option(help="how a person's templates decide in the open set")] = DEFAULT_FUSION,
    pictures: Annotated[bool, typer.Option(help="show the worst mistakes as pictures in the report")] = True,
) -> None:
    """Measure retrieval, verification and open-set identification; write figures.json and report.html."""
    samples, who = _people(data, split)
    console = Console()
    evaluations = [_evaluated(console, one, samples, seed, fusion) for one in _loaded(model, scaling)]
    out.mkdir(parents=True, exist_ok=True)
    everything = {"data": data.name, "who": who, "models": [figures(one) for one in evaluations]}
    report = html_report(evaluations, Subject(data.name, who, pictures))
    replace(
        out / "figures.json", lambda path: path.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    )
    replace(out / "report.html", lambda path: path.write_text(report, encoding="utf-8"))
    _print_summaries(console, evaluations)
    console.print(f"Written: {out / 'figures.json'} and {out / 'report.html'}")


def compare(
    model: Annotated[list[Path], typer.Argument(help="two models or more; the first is what others are compared with")],
    data: Data,
    split: Split = None,
    scaling: Scaled = None,
) -> None:
    """Compare models in one run: figures, cosine between them, paired change of TPIR, and speed in turns."""
    samples, _ = _people(data, split)
    compared(Console(), model, samples, scaling)


def compared(
    console: Console, paths: Sequence[Path], samples: Sequence[Sample], scaling: Scaling | None = None
) -> None:
    """Print a comparison of the models at ``paths`` on ``samples``; the first is the one to compare with."""
    if len(paths) < 2:
        raise InvalidData("one model cannot be compared", expected="two model files or more")
    models = _loaded(paths, scaling)
    evaluations = [_evaluated(console, one, samples) for one in models]
    _print_summaries(console, evaluations)
    first = evaluations[0]
    for other in evaluations[1:]:
        cosines = cosine_between(first, other)
        if len(cosines):
            console.print(
                f"{other.name} to {first.name}: cosine mean {cosines.mean():.4f}, lowest {cosines.min():.4f} "
                f"(n={len(cosines)} pictures)"
            )
        console.print(f"{other.name} - {first.name}: TPIR at FPIR 1% changes by {tpir_change(first, other)}")
    pixels = [load_all(samples[:_TIMED_PICTURES], one.height, one.width) for one in models]
    table = Table(
        "model", "batch", "CPU ms a picture", f"times as fast as {first.name}", title="Speed, in turns, one thread"
    )
    for speed in interleaved_speed(models, pixels):
        spread = f"{speed.ratio:.2f} [{speed.quartiles[0]:.2f}–{speed.quartiles[1]:.2f}], n={speed.rounds} rounds"
        table.add_row(speed.name, str(speed.batch), f"{speed.milliseconds:.2f}", spread)
    console.print(table)


@contextmanager
def embedding_progress(console: Console, pictures: int | None) -> Iterator[Tell]:
    """Show how many of ``pictures`` are embedded and, where their number is known, how long the rest will take."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("embedding pictures", total=pictures)
        yield lambda done: progress.advance(task, done)


def _people(data: Path, split: Path | None) -> tuple[Sequence[Sample], str]:
    dataset = read(data)
    if split is None:
        return dataset.samples, "all of its people: these figures hold only if none of them trained the model"
    held_out = dataset.of(IdentitySplit.read(split).held_out)
    if not held_out:
        raise InvalidData(f"nobody whom {split} holds out is in {data}", expected="the data that the split was made of")
    return held_out, "people held out of training"


def _loaded(paths: Sequence[Path], scaling: Scaling | None) -> list[Model]:
    return [load_model(path, scaling) for path in paths]


def _evaluated(
    console: Console, model: Model, samples: Sequence[Sample], seed: int = 0, fusion: Fusion = DEFAULT_FUSION
) -> Evaluation:
    with embedding_progress(console, len(samples)) as tell:
        data = embed_samples(model, samples, tell)
    return evaluate(model.name, data, seed=seed, fusion=fusion)


def _print_summaries(console: Console, evaluations: Sequence[Evaluation]) -> None:
    summaries = [summary(one) for one in evaluations]
    table = Table("figure [95%]", *(one.name for one in evaluations), "n")
    for name, first in summaries[0].items():
        cells = [f"{one[name].value:.3f} [{one[name].low:.3f}–{one[name].high:.3f}]" for one in summaries]
        table.add_row(name, *cells, f"{first.n} {first.unit}")
    console.print(table)
    one = evaluations[0]
    people = len(np.unique(one.data.labels.identities))
    console.print(
        f"{len(one.data.samples)} pictures of {people} people, {len(one.data.problems)} left out; open set: "
        f"{one.main.setting.gallery_size} enrolled with {one.main.setting.templates} templates each, which decide by "
        f"{one.main.setting.fusion}."
    )
