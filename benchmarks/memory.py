"""Whether the server grows by being used."""

from benchmarks import load
from benchmarks.bench import Bench
from benchmarks.figures import Figure

_REACH = 5.0  # MB
_WARMING_UP = 1_000  # requests: threads, buffers and the engine's caches are there then
_AT_ONCE = 5.0  # seconds
_LOOKS = 5  # on the way: growth that ends is another thing than growth that goes on


def measure(bench: Bench) -> list[Figure]:
    """Compare the memory after some requests with that after many, calls and streams in turns."""
    _ask(bench, _WARMING_UP)
    server, store = bench.rig.memory
    asked = 0
    growth: list[float] = []
    for look in range(1, _LOOKS + 1):
        asked += _ask(bench, bench.effort.requests * look // _LOOKS - asked)
        server_now, store_now = bench.rig.memory
        growth.append((server_now + store_now - server - store) / 1e6)
    note = (
        f"the server from {server / 1e6:.0f} to {server_now / 1e6:.0f} MB, its store's process with the files it maps "
        f"from {store / 1e6:.0f} to {store_now / 1e6:.0f}; at each fifth of {asked:,} requests grown by "
        + ", ".join(f"{grown:.1f}" for grown in growth)
    )
    return [
        Figure(
            f"growth of memory after {bench.effort.requests:,} requests", growth[-1], None, _REACH, 1, "MB", note=note
        )
    ]


def _ask(bench: Bench, requests: int) -> int:
    asked = 0
    while asked < requests:
        asked += len(bench.called(seconds=_AT_ONCE).answers.latencies)
        asked += len(bench.ask(load.streams, 4, _AT_ONCE).answers.latencies)
    return asked
