"""A training's history as a table and as a picture of its curves."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from export.training.checkpoint import replace

History = Mapping[str, Sequence[float]]


def write_history(history: History, path: Path) -> None:
    """Write one row an epoch as CSV; raises CannotSave."""

    def save(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["epoch", *history])
            for epoch, row in enumerate(zip(*history.values(), strict=True), start=1):
                table.writerow([epoch, *(round(value, 6) for value in row)])

    replace(path, save)


def draw_curves(history: History, path: Path) -> None:
    """Draw each figure's curve, those of one name on train and test in one plot, as PNG; raises CannotSave."""
    names = [name for name in history if not name.startswith("val_")]
    figure = Figure(figsize=(4.5 * len(names), 3.2), layout="constrained")
    for plot, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for curve, label in ((name, "train"), (f"val_{name}", "test")):
            if curve in history:
                plot.plot(range(1, len(history[curve]) + 1), history[curve], label=label)
        plot.set_xlabel("epoch")
        plot.xaxis.set_major_locator(MaxNLocator(integer=True))
        plot.set_title(name)
        plot.legend()
    replace(path, lambda temporary: figure.savefig(temporary, dpi=120, format="png"))
