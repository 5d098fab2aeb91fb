"""`gallery calibrate`: a threshold that keeps its promise, with what it rests on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.answers import share, threshold_json
from gallery.cli.common import Common, on_a_gallery
from gallery.cli.context import Cameras, CapturedFrom, CapturedUntil, Labels, filter_of
from gallery.cli.output import plain, print_json, print_table, progress, say
from gallery.cli.target import ask

if TYPE_CHECKING:
    from gallery.cli.strangers import LeftOut
    from gallery.cli.target import AnyGallery
    from gallery.domain import CalibrationReport, Cohort, Interval

EPILOG = """Examples:

gallery calibrate — at most 1 stranger in 100 is taken for somebody

gallery calibrate --target-fpir 0.001 --dry-run --plot det.png

gallery calibrate --strangers passers-by/ — a folder for each person, or files of one person each

Running servers apply the threshold to the next call. gallery galleries threshold goes back or pins one by hand."""

DEFAULT_TARGET = 0.01  # the domain's; importing it from there would make --help wait for numpy


@on_a_gallery
def calibrate(
    common: Common,
    target_fpir: Annotated[
        float, typer.Option(metavar="SHARE", help="The share of strangers taken for somebody, at most.")
    ] = DEFAULT_TARGET,
    strangers: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", show_default="those bundled with the model", help="Pictures of people not enrolled."
        ),
    ] = None,
    camera: Cameras = None,
    captured_from: CapturedFrom = None,
    captured_until: CapturedUntil = None,
    label: Labels = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report only; the gallery's threshold stays.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the DET curve into this file (.png, .svg, .pdf).")
    ] = None,
) -> None:
    """Set the gallery's threshold so that at most a target share of strangers is taken for somebody."""
    from gallery.cli.det import check_plotting, write_det
    from gallery.cli.strangers import embedded_strangers, strangers_in

    if plot is not None:
        check_plotting(plot)
    where = filter_of(camera, captured_from, captured_until, label)
    portraits = None if strangers is None else strangers_in(strangers)

    async def embed_and_calibrate(gallery: "AnyGallery") -> "tuple[CalibrationReport, list[LeftOut]]":
        cohort: Cohort | None = None
        left_out: list[LeftOut] = []
        if portraits is not None:
            with progress() as bar:
                task = bar.add_task("embedding strangers", total=len(portraits))
                cohort, left_out = await embedded_strangers(gallery, portraits, lambda: bar.advance(task))
        report = await gallery.calibrate(
            common.gallery_id, target_fpir=target_fpir, cohort=cohort, where=where, dry_run=dry_run
        )
        return report, left_out

    report, left_out = ask(common.target.patient, embed_and_calibrate)
    for picture in left_out:
        say(f"left out {picture.path}: {picture.message}")
    drawn = plot is not None and bool(report.det)
    if plot is not None and drawn:
        write_det(plot, report, common.gallery_id)
    if common.as_json:
        print_json(
            {
                "gallery_id": common.gallery_id,
                **plain(report),
                "threshold": threshold_json(report.threshold),
                "left_out": left_out,
                "plot": plot if drawn else None,
            }
        )
    else:
        print_table((f"calibration of '{common.gallery_id}'", ""), _lines(report))
    if drawn:
        say(f"drawn into {plot}")
    elif plot is not None:
        say("no identity has two templates, so there is no DET curve to draw")


def _lines(report: "CalibrationReport") -> list[tuple[str, str]]:
    threshold = report.threshold
    between = "" if threshold.low is None else f", 95% interval {threshold.low:.4g} to {threshold.high:.4g}"
    target = threshold.target_fpir
    tpir = "not known: no identity has two templates" if report.tpir is None else _expected(report.tpir)
    return [
        ("threshold", f"{threshold.value:.4g}{between}, at {threshold.identity_count} identities"),
        ("target FPIR", "" if target is None else share(target)),
        ("FPIR to expect", _expected(report.fpir)),
        ("TPIR to expect", tpir),
        ("least margin", f"{threshold.margin:.4g} between the two nearest identities, else AMBIGUOUS"),
        ("evidence", _evidence(report)),
        ("sufficient", _sufficiency(report)),
        (
            "applied",
            f"yes, as version {threshold.version}" if report.applied else "no: a dry run, the threshold is as it was",
        ),
    ]


def _expected(interval: "Interval") -> str:
    return f"{share(interval.value)}, 95% interval {share(interval.low)} to {share(interval.high)} (n = {interval.n})"


def _evidence(report: "CalibrationReport") -> str:
    return (
        f"{report.stranger_images} images of {report.stranger_people} strangers, "
        f"worth {report.effective_strangers:.0f} independent ones; the target asks for {report.strangers_needed}"
    )


def _sufficiency(report: "CalibrationReport") -> str:
    if report.sufficient:
        return "yes, by the rule of three: 3 / target independent images"
    return (
        "no, by the rule of three (3 / target independent images): the threshold rests on the fitted law; "
        "bring more strangers, by --strangers, or ask for a larger target"
    )
