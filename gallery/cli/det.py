"""The DET curve of a calibration as a picture: what a stricter or more lenient threshold would cost."""

import os
from importlib.util import find_spec
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from gallery.domain import CalibrationReport, Interval

_SUFFIXES = (".png", ".svg", ".pdf")
_LOWEST, _HIGHEST = 0.0005, 0.999
_TICKS = (0.002, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99)
_CURVE, _CHOSEN = "#0072B2", "#D55E00"  # Okabe and Ito's, told apart by colour-blind readers too


def check_plotting(path: Path) -> None:
    """Refuse a picture that cannot be drawn, before anything is changed."""
    if path.suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"'{path}' is none of {', '.join(_SUFFIXES)}", param_hint="--plot")
    if find_spec("matplotlib") is None:
        raise typer.BadParameter(
            "the picture is drawn by matplotlib: pip install 'identity-gallery[plots]'", param_hint="--plot"
        )
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise typer.BadParameter(f"'{path}' cannot be written: its folder must exist and be yours", param_hint="--plot")


def write_det(path: Path, report: "CalibrationReport", gallery_id: str) -> None:
    """Draw FNIR against FPIR on normal-deviate axes (Martin et al., "The DET curve", Eurospeech 1997).

    Rates that the evidence cannot tell from 0 lie on the edge. The chosen threshold is marked, with the 95% intervals
    of what to expect of it: its miss rate counts ambiguous answers too, so it may lie above the curve.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 5.0), layout="constrained")
    axes = figure.subplots()
    axes.set(
        title=f"What a threshold costs: gallery '{gallery_id}', {report.threshold.identity_count} identities",
        xlabel="FPIR: strangers taken for somebody",
        ylabel="FNIR: enrolled people not found",
    )
    axes.grid(alpha=0.3)
    axes.plot(
        [_deviate(at.fpir) for at in report.det],
        [_deviate(at.fnir) for at in report.det],
        color=_CURVE,
        label="any threshold",
    )
    target = report.threshold.target_fpir
    if target is not None:
        axes.axvline(_deviate(target), color="grey", linestyle=":", label=f"target FPIR {_percent(target)}")
    if report.tpir is not None:
        x, y = report.fpir, _missed(report.tpir)
        axes.errorbar(
            _deviate(x.value),
            _deviate(y.value),
            xerr=_reach(x),
            yerr=_reach(y),
            color=_CHOSEN,
            marker="o",
            capsize=3,
            linestyle="",
            label=f"threshold {report.threshold.value:.4g}, expected with 95% intervals",
        )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(list(map(_deviate, (_LOWEST, *_TICKS))), labels=["~0", *map(_percent, _TICKS)], fontsize=8)
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=150)


def _missed(tpir: "Interval") -> "Interval":
    from gallery.domain import Interval

    return Interval(1.0 - tpir.value, 1.0 - tpir.high, 1.0 - tpir.low, tpir.n)


def _reach(interval: "Interval") -> list[list[float]]:
    """How far the interval reaches below and above its value, in normal deviates."""
    middle = _deviate(interval.value)
    return [[max(0.0, middle - _deviate(interval.low))], [max(0.0, _deviate(interval.high) - middle)]]


def _deviate(share: float) -> float:
    return NormalDist().inv_cdf(min(_HIGHEST, max(_LOWEST, share)))


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
