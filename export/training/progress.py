"""A line that moves while an epoch is trained: how far it is, and how long the whole training will still take."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

TellStep: TypeAlias = Callable[[int, int, float], None]


@contextmanager
def shown(console: Console) -> Iterator[TellStep]:
    """Give a function of (steps done, steps of the epoch, seconds left in all); silent when nobody is watching."""
    columns = (TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True, disable=not sys.stdout.isatty()) as progress:
        line = progress.add_task("steps", total=None, left="")

        def tell(step: int, steps: int, seconds_left: float) -> None:
            left = f"about {seconds_left / 60:.0f} min left" if seconds_left < float("inf") else ""
            progress.update(line, completed=step, total=steps, left=left)

        yield tell
