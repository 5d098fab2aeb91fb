"""BulkEnroll, each image on disk before its answer, against Embed, which keeps nothing."""

from benchmarks import load
from benchmarks.bench import Bench, Served, cpu_of, rate_of
from benchmarks.figures import Figure

_REACH = 0.95


def measure(bench: Bench) -> list[Figure]:
    """Measure both in turns."""
    embedded: list[Served] = []
    enrolled: list[Served] = []
    for _ in range(bench.effort.rounds):
        embedded.append(bench.called("Embed"))
        enrolled.append(bench.ask(load.bulk, 2 * bench.effort.seconds))
    ours, theirs = cpu_of(enrolled), cpu_of(embedded)
    note = f"callers share the cores; CPU an image {ours:.2f} ms against {theirs:.2f}: by CPU {theirs / ours:.3f}"
    name = "BulkEnroll, durable / Embed, 8 callers"
    rates = rate_of(enrolled), rate_of(embedded)
    return [Figure(name, *rates, _REACH, len(enrolled), "/s", at_least=True, note=note)]
