"""`gallery enrol`: a folder of people, or images of one, several in flight; what is refused is told at the end."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.common import Common, on_a_gallery
from gallery.cli.context import Camera, CapturedAt, OwnLabels, context_of
from gallery.cli.exits import Exit
from gallery.cli.output import print_json, print_table, progress, say
from gallery.cli.pictures import Portrait, portraits_in, read_picture
from gallery.cli.target import ask
from gallery.errors import EnrolmentConflict, GalleryAlreadyExists, GalleryNotFound, InvalidRequest

if TYPE_CHECKING:
    from gallery.cli.target import AnyGallery
    from gallery.domain import Conflict, Context

EPILOG = """Examples:

gallery enrol people/ — people/anna/1.jpg is enrolled as anna

gallery enrol --identity anna front.jpg back.jpg

gallery enrol --identity anna door.jpg --camera door --captured-at 2026-05-01T08:00+02:00 --label shift=early

gallery enrol people/ --server localhost:50051 --json

Enrolling an image again changes nothing, so an enrolment that was cut off is simply repeated.
Exit code 1 when some images were not enrolled. An image that lies nearer to somebody else is told, and enrolled
unless the gallery's policy refuses it."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Refused:
    """An image that was not enrolled, and why."""

    path: Path
    identity_id: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Conflicting:
    """An image that was enrolled although it lies nearer to other identities than to its own."""

    path: Path
    identity_id: str
    conflicts: "tuple[Conflict, ...]"


@dataclass(slots=True)
class Report:
    """What became of an enrolment's images."""

    gallery_id: str
    identities: int
    created: int = 0
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)
    conflicting: list[Conflicting] = field(default_factory=list)


@on_a_gallery
def enrol(
    common: Common,
    paths: Annotated[
        list[Path], typer.Argument(metavar="FOLDER | IMAGE…", help="A folder with a folder for each person, or images.")
    ],
    identity: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose images they are; then IMAGE… are files of one person.")
    ] = None,
    camera: Camera = None,
    captured_at: CapturedAt = None,
    label: OwnLabels = None,
) -> None:
    """Enrol people: a folder with a folder for each person, or images of one person."""
    portraits = _portraits(paths, identity)
    context = context_of(camera, captured_at, label)

    async def enrol_all(gallery: "AnyGallery") -> Report:
        await _ensure_gallery(gallery, common.gallery_id)
        report = Report(common.gallery_id, len({portrait.identity_id for portrait in portraits}))
        with progress() as bar:
            task = bar.add_task("enrolling", total=len(portraits))
            await _enrol_each(gallery, portraits, context, report, lambda: bar.advance(task))
        return report

    report = ask(common.target, enrol_all, create=True)
    if common.as_json:
        print_json(report)
    else:
        _print(report, str(common.target))
    raise typer.Exit(Exit.NO_MATCH if report.refused else Exit.DONE)


def _portraits(paths: Sequence[Path], identity: str | None) -> list[Portrait]:
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        raise typer.BadParameter(f"there is no '{missing}'", param_hint="FOLDER | IMAGE…")
    folders = [path for path in paths if path.is_dir()]
    if identity is not None:
        if folders:
            raise typer.BadParameter(f"'{folders[0]}' is a folder; with --identity name image files")
        return [Portrait(identity, path) for path in paths]
    if len(folders) != len(paths):
        raise typer.BadParameter("say by --identity whose images these are, or name a folder of people")
    portraits = [portrait for folder in folders for portrait in portraits_in(folder)]
    if not portraits:
        raise InvalidRequest(
            f"there are no images to enrol in {', '.join(map(str, paths))}",
            expected="a folder with a folder for each person, and JPEG, PNG, WebP or BMP files in those",
        )
    return portraits


async def _ensure_gallery(gallery: "AnyGallery", gallery_id: str) -> None:
    try:
        await gallery.get_gallery(gallery_id)
    except GalleryNotFound:
        try:
            created = await gallery.create_gallery(gallery_id)
        except GalleryAlreadyExists:
            return
        say(f"created the gallery '{gallery_id}' for the model {created.model_name}")


async def _enrol_each(
    gallery: "AnyGallery",
    portraits: Sequence[Portrait],
    context: "Context",
    report: Report,
    done: Callable[[], None],
) -> None:
    """Enrol each image by itself, so that one bad image fails alone; what says that nothing works ends all."""
    waiting = iter(portraits)

    async def enrol_some() -> None:
        for portrait in waiting:
            try:
                picture = await asyncio.to_thread(read_picture, portrait.path)
                picture = replace(picture, context=context)
                result = await gallery.enroll(report.gallery_id, portrait.identity_id, [picture])
            except (InvalidRequest, EnrolmentConflict) as error:
                report.refused.append(Refused(portrait.path, portrait.identity_id, error.reason, str(error)))
            else:
                (enrolled,) = result.templates
                report.created += enrolled.created
                report.unchanged += not enrolled.created
                if enrolled.conflicts:
                    report.conflicting.append(Conflicting(portrait.path, portrait.identity_id, enrolled.conflicts))
            done()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(enrol_some())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _print(report: Report, where: str) -> None:
    known = f", {report.unchanged} were enrolled before" if report.unchanged else ""
    typer.echo(
        f"{report.created} images of {report.identities} people enrolled into '{report.gallery_id}' on {where}{known}"
    )
    if report.refused:
        print_table(
            ("image", "identity", "reason", "what to do"),
            [(str(item.path), item.identity_id, item.reason, item.message) for item in report.refused],
            title=f"{len(report.refused)} images were not enrolled",
        )
    if report.conflicting:
        print_table(
            ("image", "identity", "#distance", "nearer to", "#distance"),
            [
                (
                    str(item.path),
                    item.identity_id,
                    "first image" if near.own_distance is None else f"{near.own_distance:.3f}",
                    near.identity_id,
                    f"{near.distance:.3f}",
                )
                for item in report.conflicting
                for near in item.conflicts
            ],
            title=f"{len(report.conflicting)} images were enrolled, but lie nearer to somebody else (gallery doctor)",
        )
