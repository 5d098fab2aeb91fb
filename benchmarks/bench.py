"""What a benchmark of the service is given: a server, those who call it, the loop it is held to, and how long."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Concatenate, ParamSpec

import numpy as np

from benchmarks import load
from benchmarks.effort import Effort
from benchmarks.load import Answers
from benchmarks.rig import Loop, Pace, Rig, callers, rigged

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Served:
    """Answers, and the CPU seconds that they took the server and its store's process."""

    answers: Answers
    server: float
    store: float

    @property
    def cpu(self) -> float:
        """CPU milliseconds an answer, of both processes."""
        return 1000 * (self.server + self.store) / len(self.answers.latencies)


@dataclass(frozen=True)
class Bench:
    """A server and its loop, in turns."""

    rig: Rig
    loop: Loop
    effort: Effort
    _pool: ProcessPoolExecutor

    def ask(
        self,
        way: Callable[Concatenate[str, Sequence[bytes], P], Answers],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> Served:
        """Call the server in one of the ways of `benchmarks.load`."""
        server, store = self.rig.cpu_seconds
        answers = self._pool.submit(way, self.rig.address, self.rig.pictures, *arguments, **options).result()
        server_then, store_then = self.rig.cpu_seconds
        return Served(answers, server_then - server, store_then - store)

    def streamed(self, seconds: float | None = None) -> Served:
        """Identify on four cameras' streams."""
        return self.ask(load.streams, 4, self.effort.seconds if seconds is None else seconds)

    def called(self, method: str = "Identify", callers: int = 8, seconds: float | None = None) -> Served:
        """Call one after another, so many at a time."""
        return self.ask(load.unary, method, callers, self.effort.seconds if seconds is None else seconds)

    def looped(self, work: Callable[[bytes], object] | None = None, seconds: float | None = None) -> Pace:
        """Go through the pictures in the loop, or do something else with them, on as many threads as workers."""
        return self.loop.run(self.rig.pictures, self.effort.seconds if seconds is None else seconds, work)


@contextmanager
def benched(effort: Effort) -> Iterator[Bench]:
    """Start the server and all that a benchmark of it needs, warmed up."""
    with tempfile.TemporaryDirectory() as folder, rigged(Path(folder)) as rig, callers() as pool:
        bench = Bench(rig, Loop(rig.matrix), effort, pool)
        bench.loop.run(rig.pictures, 0.5)
        bench.called(seconds=0.5)
        yield bench


def rate_of(served: Sequence[Served]) -> float:
    """Answers a second, the median of the rounds."""
    return median(each.answers.rate for each in served)


def cpu_of(served: Sequence[Served]) -> float:
    """CPU milliseconds an answer, the median of the rounds."""
    return median(each.cpu for each in served)


def loop_cpu_of(paces: Sequence[Pace]) -> float:
    """CPU milliseconds a picture of the loop, the median of the rounds."""
    return median(1000 * pace.cpu / pace.pictures for pace in paces)


def percentile_of(seconds: Sequence[float], share: float) -> float:
    """Milliseconds that this percentage took at most."""
    return 1000 * float(np.percentile(seconds, share))
