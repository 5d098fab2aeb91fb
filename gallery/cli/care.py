"""`gallery doctor`, `merge`, `split` and `undo`: find what is wrong in a gallery, and mend it."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.common import Common, on_a_gallery
from gallery.cli.exits import Exit
from gallery.cli.output import print_json, print_table
from gallery.cli.target import ask

if TYPE_CHECKING:
    from gallery.cli.target import AnyGallery
    from gallery.domain import Change

DOCTOR_EPILOG = """It finds likely duplicates (one person under two names), outlier templates (nearer to somebody else
than to their own identity) and inseparable identities (that no threshold can tell apart), nearest first. Look at the
pictures before you mend: a distance proves nothing. Merge and split can be undone, erasing cannot.
With --system it checks what a server here would need: interpreter, packages, processor, clock, the files and the
model that the settings name (the environment's and the settings file's), its speed, the address, the store, the disk.
On a Qdrant cluster it compares the replicas, and with --mend makes them even again by the ledger of erasures.
Exit code 0: nothing found; 1: something was."""

MERGE_EPILOG = """Examples:

gallery merge anna anna-2 — all of anna-2 becomes anna's; it can be undone"""

SPLIT_EPILOG = """Examples:

gallery split anna bert 6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11 — that template becomes bert's; it can be undone

gallery list --identity anna shows the templates of anna."""

UNDO_EPILOG = """A template that was erased or moved again since stays as it is."""


System = Annotated[
    bool, typer.Option("--system", help="Check this machine and the server's settings instead, for what is in the way.")
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", envvar="GALLERY_CONFIG", help="With --system: the server's settings file."),
]
Mend = Annotated[
    bool, typer.Option("--mend", help="With --system: write or erase what only some replicas of a Qdrant cluster have.")
]


@on_a_gallery
def doctor(common: Common, system: System = False, mend: Mend = False, config: Config = None) -> None:
    """Look for duplicates, outlier templates and inseparable identities, with the command that mends each."""
    if mend and not system:
        raise typer.BadParameter("it is the system's replicas that are mended: say --system, too", param_hint="--mend")
    if system:
        from gallery.cli.system import check_system

        check_system(common.target, config, mend=mend, as_json=common.as_json)
    found = ask(common.target.patient, lambda gallery: gallery.diagnose(common.gallery_id))
    findings = [replace(finding, command=common.completed(finding.command)) for finding in found]
    if common.as_json:
        print_json({"gallery_id": common.gallery_id, "findings": findings})
    elif findings:
        print_table(
            ("finding", "identities", "#distance", "template", "to mend it"),
            [
                (
                    finding.kind.replace("_", " "),
                    ", ".join(finding.identity_ids),
                    f"{finding.distance:.3f}",
                    "" if finding.template_id is None else str(finding.template_id),
                    finding.command,
                )
                for finding in findings
            ],
            title=f"{len(findings)} findings in '{common.gallery_id}'",
        )
    else:
        typer.echo(f"nothing is wrong with '{common.gallery_id}'")
    raise typer.Exit(Exit.NO_MATCH if findings else Exit.DONE)


@on_a_gallery
def merge(
    common: Common,
    keep: Annotated[str, typer.Argument(metavar="KEEP", help="The identity that keeps its name.")],
    go: Annotated[str, typer.Argument(metavar="GO", help="The identity whose templates it gets.")],
) -> None:
    """Make two identities one: all templates of GO become KEEP's."""
    change = _changed(common, lambda gallery: gallery.merge_identities(common.gallery_id, keep, go))
    _print_change(common, change, f"merged '{go}' into '{keep}'")


@on_a_gallery
def split(
    common: Common,
    identity: Annotated[str, typer.Argument(metavar="ID", help="Whose templates they are.")],
    new_identity: Annotated[str, typer.Argument(metavar="NEW_ID", help="Whose they become, new or existing.")],
    templates: Annotated[list[uuid.UUID], typer.Argument(metavar="TEMPLATE", help="The templates.")],
) -> None:
    """Give some templates of one identity to another."""
    change = _changed(
        common, lambda gallery: gallery.split_identity(common.gallery_id, identity, templates, new_identity)
    )
    _print_change(common, change, f"split '{new_identity}' from '{identity}'")


@on_a_gallery
def undo(
    common: Common,
    change_id: Annotated[uuid.UUID, typer.Argument(metavar="CHANGE_ID", help="As a merge or split printed it.")],
) -> None:
    """Give back the templates that a merge or split moved."""
    change = _changed(common, lambda gallery: gallery.undo_change(common.gallery_id, change_id))
    if common.as_json:
        print_json({"gallery_id": common.gallery_id, "change_id": change.change_id, "moved": change.moved})
    else:
        typer.echo(f"undone {change.change_id}: {change.moved} templates are back")


def _changed(common: Common, change: "Callable[[AnyGallery], Awaitable[Change]]") -> "Change":
    return ask(common.target.patient, change)


def _print_change(common: Common, change: "Change", done: str) -> None:
    undoing = common.command("undo", str(change.change_id))
    if common.as_json:
        print_json(
            {
                "gallery_id": common.gallery_id,
                "change_id": change.change_id,
                "moved": change.moved,
                "undo_command": undoing,
            }
        )
    else:
        typer.echo(f"{done}: {change.moved} templates, change {change.change_id}\nto undo it: {undoing}")
