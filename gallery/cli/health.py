"""`gallery health`: is the server with these settings, on this machine, SERVING? For containers and scripts."""

import asyncio

import typer

from gallery.cli.exits import Exit
from gallery.cli.setting_flags import flags_of
from gallery.cli.target import settings_of

EPILOG = """Examples:

gallery health — as `gallery serve` with the same flags, variables and file would listen

gallery health --listen 127.0.0.1:50052

Exit code 0 when it is SERVING as a whole, 4 when it is not, or does not answer."""


def health(ctx: typer.Context) -> None:
    """Say whether the server that has these settings is SERVING, as a whole and by part."""
    settings = settings_of(flags_of(ctx))
    from gallery.checkup.address import health_of

    parts = asyncio.run(health_of(settings))
    if parts is None:
        typer.echo(f"no gallery server answers at {settings.listen}", err=True)
        raise typer.Exit(Exit.UNAVAILABLE)
    for part, serving in parts.items():
        typer.echo(f"{part or 'the whole'}: {'SERVING' if serving else 'NOT_SERVING'}")
    raise typer.Exit(Exit.DONE if parts[""] else Exit.UNAVAILABLE)
