"""`gallery doctor --system`: the checkup of the machine and of the settings that a server would have here."""

import asyncio
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.text import Text

from gallery.cli.exits import Exit
from gallery.cli.output import print_json, print_table
from gallery.cli.target import StoreTarget, Target, settings_of


def check_system(target: Target, config: Path | None, *, mend: bool, as_json: bool) -> NoReturn:
    """Print the checks of the system, and end with 1 where one failed."""
    from gallery.checkup import State, checkup

    flags: dict[str, Any] = {} if config is None else {"config": config}
    if isinstance(target, StoreTarget):
        flags |= {"store": target.folder, "qdrant_url": None}
        flags |= {} if target.model is None else {"model": target.model}
    checks = asyncio.run(checkup(settings_of(flags), mend=mend))
    failed = [check for check in checks if check.state is State.BAD]
    if as_json:
        print_json({"healthy": not failed, "checks": checks})
    else:
        marks = {State.GOOD: Text("✓", "green"), State.WARNING: Text("!", "yellow"), State.BAD: Text("✗", "red")}
        print_table(
            ("", "check", "found", "what to do"),
            [(marks[check.state], check.name, check.found, check.remedy) for check in checks],
        )
        typer.echo(f"{len(failed)} of {len(checks)} checks failed" if failed else "a server can run here")
    raise typer.Exit(Exit.NO_MATCH if failed else Exit.DONE)
