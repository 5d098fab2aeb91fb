"""Where the server's CPU time goes when it answers streamed probes: how much of it is neither network nor search.

The loop's decoding, resizing and inference cost what they must; the embedder beyond that reads headers, measures
quality and watches over itself; the rest is the service: messages, queue, decisions. The store's process searches.
Images that wait go through the network together, for less than the loop's one by one, so both may be below zero.
"""

from statistics import median

from benchmarks.bench import Bench, Served, loop_cpu_of
from benchmarks.figures import Figure
from benchmarks.rig import Pace
from gallery.domain import EncodedImage
from gallery.onnx_embedder import OnnxEmbedder
from gallery.settings import BUNDLED_MODEL

_REACH = 0.04


def measure(bench: Bench) -> list[Figure]:
    """Measure all of it a picture, and subtract."""
    network = OnnxEmbedder(BUNDLED_MODEL)
    bare: list[Pace] = []
    judged: list[Pace] = []
    streams: list[Served] = []
    for _ in range(bench.effort.rounds):
        bare.append(bench.looped(bench.loop.embed))
        judged.append(bench.looped(lambda content: network.embed(EncodedImage(content))))
        streams.append(bench.streamed())
    inference, embedding = loop_cpu_of(bare), loop_cpu_of(judged)
    server, store = (median(part) for part in zip(*map(_parts, streams), strict=True))
    n = len(streams)
    parts = (
        f"decode + infer {inference:.2f} ms, quality and checks {embedding - inference:.2f}, "
        f"the service {server - embedding:.2f}, search's process {store:.2f}"
    )
    name = "server CPU outside decode, inference, search, a streamed probe"
    return [
        Figure(name, server - inference, server + store, _REACH, n, note=parts),
        Figure("server CPU outside these and quality", server - embedding, server + store, _REACH, n),
    ]


def _parts(served: Served) -> tuple[float, float]:
    """CPU milliseconds an answer, of the server and of its store's process."""
    count = len(served.answers.latencies)
    return 1000 * served.server / count, 1000 * served.store / count
