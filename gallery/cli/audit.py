"""`gallery audit`: the server's audit log, verified and searched."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.common import AsJson
from gallery.cli.context import moment
from gallery.cli.exits import Exit
from gallery.cli.output import plain, print_json, print_table

if TYPE_CHECKING:
    from gallery.audit import Entry

VERIFY_EPILOG = """Examples:

gallery audit verify --audit /var/lib/gallery/audit

gallery audit verify --head 5f0c… — a head that you noted earlier, elsewhere

A line that was changed, moved or removed shows, and so do lines cut off the end, as long as the head kept beside the
log is the last one written. Whoever can rewrite the log can rewrite that, too: note the head it prints on another
machine now and then (the server logs it when it stops), and give it here."""

SHOW_EPILOG = """Examples:

gallery audit show --identity ann

gallery audit show --call DeleteIdentity --since 2026-11-01T00:00:00Z --json

gallery audit show --detail 6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11 — the erasure with this receipt"""

app = typer.Typer(help="Verify and search the audit log.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Option("--audit", metavar="DIR", envvar="GALLERY_AUDIT", help="Folder of the server's audit log.")
]
_DEFAULT = Path("gallery-audit")


@app.command(epilog=VERIFY_EPILOG)
def verify(
    audit: Folder = _DEFAULT,
    head: Annotated[str | None, typer.Option(metavar="HASH", help="A head noted earlier.")] = None,
    pruned: Annotated[bool, typer.Option("--pruned", help="Accept that the oldest files are gone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether the log is what was written, and if not, where it first is not. It may be in use."""
    from gallery import audit as log

    found = log.verify(_there(audit), head=head, pruned=pruned)
    if as_json:
        print_json(found)
    elif found.broken is not None:
        where = f"line {found.broken.line} of {found.broken.file}" if found.broken.line else str(found.broken.file)
        typer.secho(f"BROKEN at {where}: {found.broken.problem}", fg=typer.colors.RED)
        typer.echo(f"{found.last - found.first + 1 if found.last else 0} lines before it are whole")
    else:
        lines = f"lines {found.first} to {found.last}" if found.last else "no lines"
        typer.echo(f"whole: {lines} in {found.files} files, head {found.head}")
        if found.unfinished:
            typer.echo("a line at the end is unfinished: the server is writing it, or was when it ended")
    if found.broken is not None:
        raise typer.Exit(Exit.REFUSED)


@app.command(epilog=SHOW_EPILOG)
def show(
    audit: Folder = _DEFAULT,
    call: Annotated[str | None, typer.Option(metavar="RPC", help="Only this call, such as DeleteIdentity.")] = None,
    who: Annotated[str | None, typer.Option(metavar="ID", help="Only calls with this key.")] = None,
    gallery: Annotated[str | None, typer.Option(metavar="NAME", help="Only calls on this gallery.")] = None,
    identity: Annotated[str | None, typer.Option(metavar="ID", help="Only calls about this person.")] = None,
    code: Annotated[str | None, typer.Option(metavar="CODE", help="Only calls that ended so: OK, NOT_FOUND …")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From this time on, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before this time.")] = None,
    detail: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only with this detail: the id of a receipt, change or template.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was done, oldest first. Exits with 1 when nothing fits."""
    from gallery.audit import Where, find

    where = Where(
        call,
        who,
        gallery,
        identity,
        code,
        since=None if since is None else moment(since, "--since"),
        until=None if until is None else moment(until, "--until"),
        detail=detail,
    )
    entries = list(find(_there(audit), where))
    if as_json:
        print_json([_told(entry) for entry in entries])
    else:
        rows = [_row(entry) for entry in entries]
        print_table(("#line", "when", "who", "call", "gallery", "identity", "outcome", "details"), rows)
    if not entries:
        raise typer.Exit(Exit.NO_MATCH)


def _there(folder: Path) -> Path:
    if not folder.is_dir():
        raise typer.BadParameter(f"there is no folder {folder}; the server's --audit names it", param_hint="--audit")
    return folder


def _row(entry: "Entry") -> tuple[str, ...]:
    event = entry.event
    return (
        str(entry.number),
        entry.time.isoformat(timespec="seconds"),
        " ".join(part for part in (event.who, event.certificate) if part),
        event.call,
        event.gallery_id,
        ", ".join(event.identity_ids),
        " ".join(part for part in (event.code, event.reason) if part),
        ", ".join(f"{name} {value}" for name, value in event.details.items()),
    )


def _told(entry: "Entry") -> dict[str, object]:
    fields = plain(entry)
    event: dict[str, object] = fields.pop("event")
    return {"number": fields.pop("number"), "time": fields.pop("time"), **event, **fields}
