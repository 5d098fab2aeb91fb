"""Identify on streams and by eight callers, against the in-process loop, in pictures a second."""

from statistics import median

from benchmarks.bench import Bench, Served, cpu_of, loop_cpu_of, rate_of
from benchmarks.figures import Figure
from benchmarks.rig import Pace

_STREAMS_REACH, _UNARY_REACH = 0.95, 0.9


def measure(bench: Bench) -> list[Figure]:
    """Measure both; those who call use the same cores, so the notes give the ratio by CPU time, too."""
    paces: list[Pace] = []
    streams: list[Served] = []
    unary: list[Served] = []
    for _ in range(bench.effort.rounds):
        paces.append(bench.looped())
        streams.append(bench.streamed())
        unary.append(bench.called())
    return [
        _figure("Identify throughput, streams / the loop", streams, paces, _STREAMS_REACH),
        _figure("Identify throughput, unary, 8 callers / the loop", unary, paces, _UNARY_REACH),
    ]


def _figure(name: str, served: list[Served], paces: list[Pace], reach: float) -> Figure:
    ours, theirs = cpu_of(served), loop_cpu_of(paces)
    note = f"callers share the cores; CPU a picture {ours:.2f} ms against {theirs:.2f}: by CPU {theirs / ours:.3f}"
    rate = median(pace.rate for pace in paces)
    return Figure(name, rate_of(served), rate, reach, len(served), "/s", at_least=True, note=note)
