"""`gallery serve`: every setting of the server as a flag, made from the settings' declarations."""

import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.setting_flags import flags_of
from gallery.cli.target import settings_of

if TYPE_CHECKING:
    from gallery.server import RunningServer

EPILOG = """Examples:

gallery serve

gallery serve --listen 0.0.0.0:50051 --tls-cert server.pem --tls-key server.key --keys keys.json --audit audit

gallery serve --qdrant-url http://localhost:6333

gallery serve --config gallery.toml — whose lines are like: qdrant_url = "http://localhost:6333"

A flag goes before its environment variable, that before the file. SIGTERM and Ctrl-C stop it after the calls in
flight."""


PrintConfig = Annotated[
    bool, typer.Option("--print-config", help="Print the settings that apply, as a settings file, and end.")
]


def serve(ctx: typer.Context, print_config: PrintConfig = False) -> None:
    """Serve galleries over gRPC until SIGTERM or Ctrl-C."""
    flags = flags_of(ctx)
    settings = settings_of(flags)
    if print_config:
        from gallery.settings.effective import effective

        typer.echo(effective(settings, flags))
        return
    import uvloop

    from gallery import server
    from gallery.telemetry.logs import log_as
    from gallery.telemetry.native import native_lines_logged

    _allow_as_many_connections_as_may_be()
    with native_lines_logged():
        log_as(settings.log_format, settings.log_level)
        uvloop.run(server.serve(settings, _say_ready))


def _allow_as_many_connections_as_may_be() -> None:
    """Raise the soft limit of open files to the hard one: it is 1024 by custom, and every connection takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems allow less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say_ready(running: "RunningServer") -> None:
    """Say the address on standard output, for scripts that took a free port."""
    typer.echo(f"serving on {running.address} (model {running.model_name}, store {running.store_name})")
    sys.stdout.flush()
