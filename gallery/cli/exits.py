"""How a command ends: the exit codes, in one place, and a sentence instead of a traceback."""

from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from gallery.errors import (
    AuditUnavailable,
    CallFailed,
    EmbedderUnavailable,
    GalleryError,
    Overloaded,
    ServerUnavailable,
    SourceUnavailable,
    StoreUnavailable,
)

_UNAVAILABLE = (AuditUnavailable, CallFailed, EmbedderUnavailable, Overloaded, SourceUnavailable, StoreUnavailable)


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    NO_MATCH = 1
    USAGE = 2
    REFUSED = 3
    UNAVAILABLE = 4
    INTERRUPTED = 130


EXIT_CODES = """Exit codes:
0 done, or matched TRUE;
1 answered, but no match, or some images were not enrolled or frames not answered, or the doctor found something;
2 wrong usage;
3 refused (bad input, unknown identity, unfit model);
4 unavailable (server, store, camera, overload), try again;
130 interrupted (gallery enrol and watch: what was under way is finished)."""


def exit_code_of(error: GalleryError) -> Exit:
    """Choose the exit code for a refusal: whether trying again may help."""
    return Exit.UNAVAILABLE if isinstance(error, _UNAVAILABLE) else Exit.REFUSED


class GalleryCommands(TyperGroup):
    """A group of commands whose refusals end as one sentence on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a GalleryError ends it with its sentence, its reason and its exit code."""
        try:
            return super().invoke(ctx)
        except GalleryError as error:
            hint = "; or work with no server, by --store DIR" if isinstance(error, ServerUnavailable) else ""
            typer.secho(f"gallery: {error}{hint} [{error.reason}]", err=True, fg=typer.colors.RED)
            raise typer.Exit(exit_code_of(error)) from error
