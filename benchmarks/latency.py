"""What one caller waits for an answer, on an idle server and on one that is kept busy."""

import time
from statistics import median

from threadpoolctl import threadpool_limits

from benchmarks import load
from benchmarks.bench import Bench, percentile_of, rate_of
from benchmarks.figures import Figure

_REACH, _BUSY_REACH = 1.15, 3.0
_BUSY = 0.7  # of what eight callers are answered


def measure(bench: Bench) -> list[Figure]:
    """Measure an idle server against the loop's steps one after another, then a busy one against the idle."""
    alone: list[float] = []
    idle: list[float] = []
    busy: list[float] = []
    for _ in range(bench.effort.rounds):
        alone.append(_median_alone(bench))
        idle.append(percentile_of(bench.called(callers=1).answers.latencies, 50))
        rate = _BUSY * rate_of([bench.called()])
        answers = bench.ask(load.open_loop, rate, 2 * bench.effort.seconds).answers
        busy.append(percentile_of(answers.latencies, 99))
    name = "one caller's latency / decode + infer + search"
    n = len(idle)
    return [
        Figure(name, median(idle), median(alone), _REACH, n, note="p50 of each round"),
        Figure(
            "p99 at 70% load / idle p50", median(busy), median(idle), _BUSY_REACH, n, note="calls at even intervals"
        ),
    ]


def _median_alone(bench: Bench) -> float:
    """Milliseconds that a picture takes the loop on one thread, while nothing else is done."""
    taken: list[float] = []
    end = time.perf_counter() + bench.effort.seconds
    with threadpool_limits(1):
        while (begun := time.perf_counter()) < end:
            bench.loop.once(bench.rig.pictures[len(taken) % len(bench.rig.pictures)])
            taken.append(time.perf_counter() - begun)
    return percentile_of(taken, 50)
