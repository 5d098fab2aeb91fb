"""Where the server's CPU time goes when it answers streamed probes: how much of it is neither network nor search.

The loop's decoding, resizing and inference cost what they must; the embedder beyond that reads headers, measures
quality and watches over itself; the rest is the service: messages, queue, decisions. The store's process searches.
Images that wait go through the network together, for less than the loop's one by one, so both may be below zero.
It is a small difference of large figures on a machine whose own speed drifts: turns are short, and what is subtracted
is of the same turn.
"""

import numpy as np

from benchmarks.bench import Bench, Served, loop_cpu_of
from benchmarks.figures import Figure
from gallery.domain import EncodedImage
from gallery.onnx_embedder import OnnxEmbedder
from gallery.settings import BUNDLED_MODEL

_REACH = 0.04
_TURNS = 3  # a round


def measure(bench: Bench) -> list[Figure]:
    """Measure all of it a picture, and subtract."""
    network = OnnxEmbedder(BUNDLED_MODEL)
    seconds = bench.effort.seconds / _TURNS
    turns: list[tuple[float, ...]] = []
    for _ in range(_TURNS * bench.effort.rounds):
        bare = bench.looped(bench.loop.embed, seconds)
        judged = bench.looped(lambda content: network.embed(EncodedImage(content)), seconds)
        turns.append((loop_cpu_of([bare]), loop_cpu_of([judged]), *_parts(bench.streamed(seconds))))
    inference, embedding, server, store = np.array(turns).T
    outside, service, whole = (
        float(np.median(each)) for each in (server - inference, server - embedding, server + store)
    )
    parts = (
        f"decode + infer {np.median(inference):.2f} ms, quality and checks {np.median(embedding - inference):.2f}, "
        f"the service {service:.2f}, search's process {np.median(store):.2f}"
    )
    n = len(turns)
    name = "server CPU outside decode, inference, search, a streamed probe"
    return [
        Figure(name, outside, whole, _REACH, n, note=parts),
        Figure("server CPU outside these and quality", service, whole, _REACH, n),
    ]


def _parts(served: Served) -> tuple[float, float]:
    """CPU milliseconds an answer, of the server and of its store's process."""
    count = len(served.answers.latencies)
    return 1000 * served.server / count, 1000 * served.store / count
