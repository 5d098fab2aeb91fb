"""Twice as many calls as the server can answer: what it answers nevertheless, and how fast it refuses the others."""

from statistics import median

from benchmarks import load
from benchmarks.bench import Bench, Served, percentile_of, rate_of
from benchmarks.figures import Figure

_GOODPUT_REACH, _REFUSAL_REACH = 0.95, 5.0


def measure(bench: Bench) -> list[Figure]:
    """Measure the peak by eight callers, and goodput and refusals at twice that rate."""
    peak: list[Served] = []
    overload: list[Served] = []
    for _ in range(bench.effort.rounds):
        peak.append(bench.called())
        overload.append(bench.ask(load.open_loop, 2 * rate_of(peak[-1:]), 2 * bench.effort.seconds))
    refusals = [each.answers.refusals for each in overload if each.answers.refusals]
    assert refusals, "nothing was refused at twice the capacity"
    refused = median(percentile_of(each, 99) for each in refusals)
    late = median(percentile_of(each.answers.delays, 99) for each in overload)
    note = f"{sum(map(len, refusals))} calls, the caller on the same cores: p99 of its own delay {late:.1f} ms"
    name = "goodput at twice the capacity / peak"
    n = len(overload)
    return [
        Figure(name, rate_of(overload), rate_of(peak), _GOODPUT_REACH, n, "/s", at_least=True),
        Figure("refusals' p99 at twice the capacity", refused, None, _REFUSAL_REACH, len(refusals), note=note),
    ]
