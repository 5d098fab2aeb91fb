"""The report's plots, drawn without matplotlib's global state: each function returns a figure."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from export.evaluation.evaluate import FPIRS, Evaluation
from export.metrics.intervals import Estimate
from export.metrics.open_set import OpenSet
from export.metrics.verification import curve

_RANKS = 20
_SHARES = (0, 1.02)  # of an axis of shares: what is at 1 is seen whole
_SIZE = (5.2, 3.6)
# Okabe and Ito's colours, told apart by colour-blind readers too
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def cmc(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw the share of queries with a right answer among the first 1..20."""
    figure, axes = _axes("Closed-set retrieval (CMC)", "rank", "share of queries found")
    for colour, one in _coloured(evaluations):
        axes.plot(np.arange(1, _RANKS + 1), one.retrieval.cmc(_RANKS), color=colour, marker=".", label=one.name)
    axes.set(xlim=(1, _RANKS), ylim=(None, 1.0), xticks=[1, 5, 10, 15, 20])
    return _with_legend(figure, axes)


def det(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw FNMR against FMR on logarithmic axes (the ISO's detection error trade-off)."""
    figure, axes = _axes(
        "Verification (DET)", "FMR: impostor pairs within the threshold", "FNMR: genuine pairs beyond it"
    )
    for colour, one in _coloured(evaluations):
        line = curve(one.pairs)
        seen = (line.fmr > 0) & (line.fnmr > 0)
        axes.plot(line.fmr[seen], line.fnmr[seen], color=colour, label=one.name)
    axes.set(xscale="log", yscale="log")
    return _with_legend(figure, axes)


def distances(evaluation: Evaluation) -> Figure:
    """Draw how far apart genuine and impostor pairs lie, each as a share of its kind."""
    figure, axes = _axes(f"Distances: {evaluation.name}", "cosine distance", "share of pairs of the kind")
    pairs = evaluation.pairs
    farthest = max(float(kind.max(initial=0.1)) for kind in (pairs.genuine, pairs.impostor))
    bins = np.linspace(0, farthest, 80).tolist()
    for colour, label, kind in ((_COLOURS[2], "genuine", pairs.genuine), (_COLOURS[1], "impostor", pairs.impostor)):
        share = np.full(len(kind), 1 / max(1, len(kind)))
        axes.hist(kind, bins, weights=share, color=colour, alpha=0.6, label=f"{label} (n={len(kind)})")
    threshold = float(np.median(evaluation.main.thresholds(FPIRS[0])))
    axes.axvline(threshold, color="black", linestyle=":", label=f"FPIR {FPIRS[0]:.0%} at {threshold:.2f}")
    return _with_legend(figure, axes)


def tpir_fpir(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw the share of enrolled people's probes identified against the share of strangers' that match."""
    figure, axes = _axes("Open-set identification", "FPIR: strangers' probes that match", "TPIR: enrolled identified")
    rates = np.geomspace(0.002, 1.0, 40)
    for colour, one in _coloured(evaluations):
        axes.plot(rates, one.main.tpir_curve(rates), color=colour, label=one.name)
    for rate in FPIRS:
        axes.axvline(rate, color="grey", linestyle=":", linewidth=0.8)
    axes.set(xscale="log", ylim=_SHARES)
    return _with_legend(figure, axes)


def by_gallery_size(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw TPIR against how many identities are enrolled."""
    figure, axes = _axes("More people enrolled", "gallery size (identities)", f"TPIR at FPIR {FPIRS[0]:.0%}")
    for colour, one in _coloured(evaluations):
        _with_intervals(
            axes, [s.setting.gallery_size for s in one.by_gallery_size], one.by_gallery_size, colour, one.name
        )
    sizes = [one.setting.gallery_size for one in evaluations[0].by_gallery_size]
    axes.set(xscale="log", ylim=_SHARES)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    return _with_legend(figure, axes)


def by_templates(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw TPIR against how many templates each identity has."""
    figure, axes = _axes("More templates a person", "templates an identity, at most", f"TPIR at FPIR {FPIRS[0]:.0%}")
    for colour, one in _coloured(evaluations):
        _with_intervals(axes, [s.setting.templates for s in one.by_templates], one.by_templates, colour, one.name)
    axes.set_ylim(_SHARES)
    return _with_legend(figure, axes)


def _coloured(evaluations: Sequence[Evaluation]) -> list[tuple[str, Evaluation]]:
    return [(_COLOURS[place % len(_COLOURS)], one) for place, one in enumerate(evaluations)]


def _with_intervals(axes: Axes, places: Sequence[int], settings: Sequence[OpenSet], colour: str, name: str) -> None:
    found: list[Estimate] = [setting.tpir(FPIRS[0]) for setting in settings]
    reach = [[one.value - one.low for one in found], [one.high - one.value for one in found]]
    axes.errorbar(
        places, [one.value for one in found], yerr=np.maximum(reach, 0), color=colour, marker="o", capsize=3, label=name
    )


def _axes(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.grid(alpha=0.3)
    return figure, axes


def _with_legend(figure: Figure, axes: Axes) -> Figure:
    axes.legend(fontsize="small")
    return figure
