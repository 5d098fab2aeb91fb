"""`gallery enrol`: folders of people, manifests or images of one person, streamed to the gallery."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.common import Common, on_a_gallery
from gallery.cli.context import Camera, CapturedAt, OwnLabels, context_of, duration
from gallery.cli.exits import Exit
from gallery.cli.output import print_json, print_table, progress, say
from gallery.cli.target import ask
from gallery.errors import InvalidRequest

if TYPE_CHECKING:
    from gallery.cli.bulk.run import Run
    from gallery.cli.bulk.tally import Tally
    from gallery.cli.target import AnyGallery

EPILOG = """Examples:

gallery enrol people/ — people/anna/1.jpg is enrolled as anna

gallery enrol people.csv --report report.jsonl — columns path, identity and, if known, camera, captured_at, labels, box

find-people | gallery enrol - — JSON lines such as {"path": "1.jpg", "identity": "anna", "box": [10, 20, 64, 128]}

gallery enrol --identity anna front.jpg back.jpg --camera door --captured-at 2026-05-01T08:00+02:00

An enrolment that was cut off, on either side, goes on when the same command is given again: what is enrolled already
is known by its content. With the same --report it is not even sent again. Ctrl-C finishes what is under way.

Exit codes: 0 everything is enrolled; 1 some images are not; 3 nothing could be enrolled; 4 the server or its store was
away for longer than --retry-for; 130 interrupted."""

_SHOWN = 10
_SECONDS_FOR_AN_ANSWER = 60.0  # while one is due; a store that is silent is told of sooner


@on_a_gallery
def enrol(
    common: Common,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE…",
            help="A folder with a folder for each person, a manifest (.csv, .jsonl), - for JSON lines on "
            "standard input, or images of one person.",
            show_default=False,
        ),
    ],
    identity: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose images they are; then SOURCE… are files of one person.")
    ] = None,
    camera: Camera = None,
    captured_at: CapturedAt = None,
    label: OwnLabels = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append what became of each image as JSON lines, and go on from there."),
    ] = None,
    retry_for: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to try again while the server or its store is away.")
    ] = "5m",
) -> None:
    """Enrol people: folders of people, manifests, or images of one person."""
    from gallery.cli.bulk.report import Report
    from gallery.cli.bulk.rows import sources_of
    from gallery.cli.bulk.run import Run
    from gallery.cli.bulk.seen import Seen
    from gallery.cli.bulk.tally import Tally
    from gallery.resending import Patience

    named = sources_of(sources, identity, context_of(camera, captured_at, label))
    patience = Patience(_SECONDS_FOR_AN_ANSWER, duration(retry_for, "--retry-for").total_seconds())
    total = named.count()
    if total == 0:
        raise _nothing_in(sources)
    with Report(report) as written, Seen() as people:
        tally = Tally(common.gallery_id, people)
        run = Run(named, patience, written, tally)

        async def enrol_all(gallery: "AnyGallery") -> None:
            with progress() as bar:
                task = bar.add_task("enrolling", total=total)
                await run.carry_out(gallery, lambda: bar.advance(task))

        try:
            ask(common.target, enrol_all, create=True)
            if not tally.rows and not run.interrupted:
                raise _nothing_in(sources)
        finally:
            if tally.rows and common.as_json:
                print_json({**tally.summary(), "report": report})
            elif tally.rows:
                _print(tally, str(common.target), report)
    raise typer.Exit(_ending(run))


def _nothing_in(sources: Sequence[str]) -> InvalidRequest:
    return InvalidRequest(
        f"there are no images to enrol in {', '.join(sources)}",
        expected="a folder with a folder for each person, and JPEG, PNG, WebP or BMP files in those, or a manifest "
        "with a row for each image",
    )


def _ending(run: "Run") -> Exit:
    """Choose the exit code, and say how to go on where there is more to do."""
    if run.interrupted or run.gave_up is not None:
        say("the rest is enrolled by the same command, given again: what is enrolled already is known")
    if run.interrupted:
        return Exit.INTERRUPTED
    if run.gave_up is not None:
        say(f"gallery: {run.gave_up} [{run.gave_up.reason}]")
        return Exit.UNAVAILABLE
    return Exit.NO_MATCH if run.tally.failed else Exit.DONE


def _print(tally: "Tally", where: str, report: Path | None) -> None:
    counts = tally.counts()
    beside = {
        "{} were enrolled before": counts["unchanged"],
        "{} were left out, being enrolled by the report": counts["skipped"],
        "{} were there twice": counts["duplicates"],
    }
    typer.echo(
        f"{counts['created']} images of {tally.identities} people enrolled into '{tally.gallery_id}' on {where} in "
        f"{tally.seconds:.1f} s ({tally.rate:.1f}/s)"
        + "".join(f", {phrase.format(count)}" for phrase, count in beside.items() if count)
    )
    if tally.failed:
        _print_failed(tally, report)
    if tally.conflicting:
        _print_conflicting(tally)


def _print_failed(tally: "Tally", report: Path | None) -> None:
    typer.echo(f"{tally.failed} images were not enrolled")
    if tally.failed > _SHOWN:
        reasons = [(reason, str(count)) for reason, count in tally.refused_by_reason.most_common()]
        print_table(("reason", "#images"), reasons)
        kept = f"the report {report} has them all" if report is not None else "--report FILE keeps them all"
        typer.echo(f"the first {_SHOWN} ({kept}):")
    print_table(
        ("image", "identity", "reason", "what to do"),
        [(item.path, item.identity_id, item.reason, item.message) for item in tally.refused[:_SHOWN]],
    )


def _print_conflicting(tally: "Tally") -> None:
    title = f"{tally.conflicting_count} images were enrolled, but lie nearer to somebody else (gallery doctor)"
    print_table(
        ("image", "identity", "#distance", "nearer to", "#distance"),
        [
            (
                item.path,
                item.identity_id,
                "first image" if near.own_distance is None else f"{near.own_distance:.3f}",
                near.identity_id,
                f"{near.distance:.3f}",
            )
            for item in tally.conflicting[:_SHOWN]
            for near in item.conflicts
        ],
        title=title if tally.conflicting_count <= _SHOWN else f"{title}; the first {_SHOWN}",
    )
