"""`gallery keys`: API keys are made, listed and revoked in the server's file of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gallery.cli.common import AsJson
from gallery.cli.context import duration
from gallery.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from gallery.access.keys import Key

CREATE_EPILOG = """Examples:

gallery keys create door-camera --role probe --gallery lobby

gallery keys create desk --role enrol --gallery 'lobby-*' --expires 90d --rate 5 --burst 20

The key is shown once, on standard output. A running server knows it, and a revoked one no longer, within a second."""

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)

KeysFile = Annotated[
    Path, typer.Option("--keys", metavar="FILE", envvar="GALLERY_KEYS", help="The server's file of keys.")
]
_DEFAULT = Path("gallery-keys.json")


@app.command(epilog=CREATE_EPILOG)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for, for you to know it by.")],
    role: Annotated[
        Literal["probe", "enrol", "admin"], typer.Option(help="probe: ask; enrol: enrol and list, too; admin: all.")
    ],
    gallery: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", show_default="all", help="A gallery it is for, or a pattern like 'lobby-*'."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DURATION", help="When it ends: 12h, 90d.", show_default="never")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="N", help="Calls a second it may make.", show_default="no limit")
    ] = None,
    burst: Annotated[
        int | None, typer.Option(metavar="N", help="Calls it may make at once.", show_default="the rate")
    ] = None,
    keys: KeysFile = _DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once."""
    from gallery.access.key_file import KeyFile
    from gallery.access.keys import new_key
    from gallery.access.rules import Role

    if burst is not None and rate is None:
        raise typer.BadParameter("a burst goes with a rate", param_hint="--burst")
    now = datetime.now(UTC)
    ends = None if expires is None else now + duration(expires, "--expires")
    fresh = new_key(name, Role(role), tuple(gallery or ("*",)), now)
    at_once = max(1, round(rate or 1.0)) if burst is None else burst
    key = replace(fresh.key, expires_at=ends, rate=rate, burst=at_once).checked()
    KeyFile(keys).change(lambda known: (*known, key))
    if as_json:
        print_json({**_told(key), "key": fresh.token})
        return
    typer.echo(fresh.token)
    say(f"key {key.key_id} ({role}, {', '.join(key.galleries)}) is in {keys}; it is not shown again")
    say("give it to a client as GALLERY_API_KEY or api_key, and the file to the server: gallery serve --keys FILE")


@app.command("list")
def list_(keys: KeysFile = _DEFAULT, as_json: AsJson = False) -> None:
    """List the keys: what they are for and may do, never the keys themselves."""
    from gallery.access.key_file import KeyFile

    known = KeyFile(keys).read()
    if as_json:
        print_json([_told(key) for key in known])
        return
    rows = [
        (
            key.key_id,
            key.name,
            str(key.role),
            ", ".join(key.galleries),
            "—" if key.rate is None else f"{key.rate:g}/s, {key.burst} at once",
            key.created_at.isoformat(timespec="seconds"),
            _state(key),
        )
        for key in known
    ]
    print_table(("id", "name", "role", "galleries", "limit", "created", "state"), rows)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as listed.")],
    keys: KeysFile = _DEFAULT,
    as_json: AsJson = False,
) -> None:
    """End a key for good."""
    from gallery.access.key_file import KeyFile
    from gallery.errors import InvalidParameter

    file, now = KeyFile(keys), datetime.now(UTC)

    def revoked(known: "tuple[Key, ...]") -> "Sequence[Key]":
        if all(key.key_id != key_id for key in known):
            raise InvalidParameter(f"{keys} has no key {key_id!r}", remedy="`gallery keys list` shows those it has")
        ended = key_id
        return [replace(key, revoked_at=key.revoked_at or now) if key.key_id == ended else key for key in known]

    file.read()  # a file that is not there has nothing to revoke
    file.change(revoked)
    if as_json:
        print_json(next(_told(key) for key in file.read() if key.key_id == key_id))
    else:
        typer.echo(f"revoked {key_id}: running servers refuse it within a second")


def _state(key: "Key") -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at.isoformat(timespec='seconds')}"
    if key.expires_at is None:
        return "valid"
    until = key.expires_at.isoformat(timespec="seconds")
    return f"expired {until}" if key.expires_at <= datetime.now(UTC) else f"valid until {until}"


def _told(key: "Key") -> dict[str, object]:
    """Name what is told of a key: all but its hash."""
    named = ("key_id", "name", "role", "galleries", "rate", "burst", "created_at", "expires_at", "revoked_at")
    return {name: getattr(key, name) for name in named}
