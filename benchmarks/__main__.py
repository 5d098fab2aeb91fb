"""``python -m benchmarks``: measure all of it, print one table of ratios with the machine, write it as JSON."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import bulk, cpu, decode, latency, memory, overload, search, throughput
from benchmarks.bench import Bench, benched
from benchmarks.effort import FULL, LONG, QUICK, Effort
from benchmarks.figures import Figure, show, write


class Part(StrEnum):
    """A part of the measurements."""

    THROUGHPUT = "throughput"
    LATENCY = "latency"
    OVERLOAD = "overload"
    CPU = "cpu"
    BULK = "bulk"
    SEARCH = "search"
    DECODE = "decode"
    MEMORY = "memory"


_OF_THE_SERVICE: dict[Part, Callable[[Bench], list[Figure]]] = {
    Part.THROUGHPUT: throughput.measure,
    Part.LATENCY: latency.measure,
    Part.OVERLOAD: overload.measure,
    Part.CPU: cpu.measure,
    Part.BULK: bulk.measure,
    Part.MEMORY: memory.measure,
}


def main(
    only: Annotated[list[Part] | None, typer.Option(help="measure only this part; may be repeated")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="fewer and shorter rounds, 5,000 requests")] = False,
    long: Annotated[bool, typer.Option("--long", help="memory after 100,000 requests instead of 20,000")] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="write the figures there, too")] = None,
) -> None:
    """Measure the service against the least it could cost, in turns, and print ratios: about ten minutes."""
    if quick and long:
        raise typer.BadParameter("--quick and --long exclude each other")
    effort = QUICK if quick else LONG if long else FULL
    figures = list(_measured(only if only else list(Part), effort))
    show(figures)
    if json is not None:
        json.parent.mkdir(parents=True, exist_ok=True)
        write(figures, json)


def _measured(parts: list[Part], effort: Effort) -> Iterator[Figure]:
    console = Console(stderr=True)
    with ExitStack() as stack:
        served = [part for part in parts if part in _OF_THE_SERVICE]
        bench = stack.enter_context(benched(effort)) if served else None
        for part in Part:
            if part not in parts:
                continue
            console.print(f"measuring {part} …")
            if bench is not None and part in _OF_THE_SERVICE:
                yield from _OF_THE_SERVICE[part](bench)
            elif part is Part.SEARCH:
                yield from search.measure()
            else:
                yield from decode.measure(effort)


if __name__ == "__main__":
    typer.run(main)
