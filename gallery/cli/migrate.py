"""`gallery migrate`: galleries moved between a store folder, a Qdrant server and files."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TaskID

from gallery.cli.backup import back_up, restored
from gallery.cli.output import print_json, progress, say
from gallery.cli.places import PLACES, Place, opened_store

if TYPE_CHECKING:
    from gallery.ports import TemplateStore
    from gallery.transfer import CopyReport

EPILOG = f"""Examples:

gallery migrate --from store:gallery-store --to qdrant:http://localhost:6333 --all

gallery migrate --from qdrant:http://localhost:6333 --to store:gallery-store lobby yard

gallery migrate --from store:gallery-store --to file:lobby.gallery lobby

{PLACES}

A gallery is copied beside the target's, compared with its source template by template, searched, and only then put in
place. A run that was cut short is gone on with by the same command. The source stays as it is: erase it when the target
serves. A Qdrant gallery moved onto itself with --replace is written anew, without what was deleted from it."""

_GALLERIES_A_PAGE = 100

Replace = Annotated[
    bool, typer.Option("--replace", help="Take the place of a gallery of this name that the target has already.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output; for scripts.")]


def migrate(
    source: Annotated[str, typer.Option("--from", metavar="PLACE", help="Where the galleries are.")],
    target: Annotated[str, typer.Option("--to", metavar="PLACE", help="Where they shall be.")],
    galleries: Annotated[
        list[str] | None, typer.Argument(metavar="[GALLERY]...", help="Their names.", show_default=False)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every gallery of the source.")] = False,
    replace: Replace = False,
    json: AsJson = False,
) -> None:
    """Move galleries between a store folder, a Qdrant server and files: verified, and resumed when cut short."""
    origin = Place.of(source, "--from", "store", "qdrant", "file")
    goal = Place.of(target, "--to", "store", "qdrant", "file")
    names = list(galleries or [])
    if origin.kind == "file":
        if names or all_ or goal.kind == "file":
            raise typer.BadParameter("a file holds one gallery, and goes to a store", param_hint="--from")
        reports = [restored(origin.path, goal, model=None, any_model=True, replace=replace)]
    elif bool(names) == all_:
        raise typer.BadParameter("name galleries, or all of them by --all")
    elif goal.kind == "file":
        if len(names) != 1:
            raise typer.BadParameter("a file holds one gallery: name it", param_hint="--to")
        back_up(origin, names[0], goal.path, as_json=json)
        return
    else:
        with progress() as bar:
            reports = asyncio.run(_moved(origin, goal, names, replace, bar))
    if json:
        print_json(reports)
    for report in reports:
        tell(report, str(goal), quiet=json)


def tell(report: "CopyReport", goal: str, *, quiet: bool) -> None:
    """Say what was copied."""
    if quiet:
        return
    name, count = report.gallery.gallery_id, report.template_count
    if report.already_there:
        typer.echo(f"'{name}' is on {goal} already: {count} templates, all the same, digest {report.digest[:12]}")
        return
    typer.echo(
        f"'{name}' is on {goal}: {count} templates, {report.written} of them written by this run, "
        f"each compared with its source, digest {report.digest[:12]}"
    )
    if report.spot_searches:
        say(f"{report.equal_searches} of {report.spot_searches} searches in both gave the same distances")
    if report.left_out:
        say(f"{report.left_out} templates of the backup were erased since it was made, and stay erased")


async def _moved(origin: Place, goal: Place, names: list[str], replace: bool, bar: Progress) -> "list[CopyReport]":
    async with opened_store(origin, create=False) as source:
        if str(origin) == str(goal):
            return await _each(source, source, names, replace, bar)
        async with opened_store(goal, create=True) as target:
            return await _each(source, target, names, replace, bar)


async def _each(
    source: "TemplateStore", target: "TemplateStore", names: list[str], replace: bool, bar: Progress
) -> "list[CopyReport]":
    from gallery import transfer

    names = names or await _all(source)
    reports = []
    for name in names:
        task = bar.add_task(name, total=None)
        told = partial(_told, bar, task)
        report = await transfer.migrate(source, target, name, replace=replace, progress=told)
        bar.update(task, completed=report.template_count, total=report.template_count)
        reports.append(report)
    return reports


def _told(bar: Progress, task: TaskID, done: int) -> None:
    bar.update(task, completed=done)


async def _all(store: "TemplateStore") -> list[str]:
    names: list[str] = []
    while page := await store.list_galleries(after=names[-1] if names else "", limit=_GALLERIES_A_PAGE):
        names += [each.gallery_id for each in page]
    return names
