"""Whether the server grows by being used."""

from benchmarks import load
from benchmarks.bench import Bench
from benchmarks.figures import Figure

_REACH = 5.0  # MB
_WARMING_UP = 1_000  # requests: threads, buffers and the engine's caches are there then
_AT_ONCE = 10.0  # seconds


def measure(bench: Bench) -> list[Figure]:
    """Compare the memory after some requests with that after many, calls and streams in turns."""
    _ask(bench, _WARMING_UP)
    before = bench.rig.memory
    asked = _ask(bench, bench.effort.requests)
    growth = (bench.rig.memory - before) / 1e6
    note = f"from {before / 1e6:.0f} MB of the server and its store's process, {asked:,} requests"
    return [
        Figure(f"growth of memory after {bench.effort.requests:,} requests", growth, None, _REACH, 1, "MB", note=note)
    ]


def _ask(bench: Bench, requests: int) -> int:
    asked = 0
    while asked < requests:
        asked += len(bench.called(seconds=_AT_ONCE).answers.latencies)
        asked += len(bench.ask(load.streams, 4, _AT_ONCE).answers.latencies)
    return asked
