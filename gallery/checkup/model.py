"""The model: its file, whether it computes here what it computed at its export, and how fast."""

import statistics
import time
from collections.abc import Iterator

import numpy as np

from gallery.checkup.checks import Check, bad, good, warning
from gallery.checkup.machine import cpu_features
from gallery.errors import InvalidModel
from gallery.onnx_embedder import OnnxEmbedder
from gallery.settings import Settings

_TIMED = 7
_VNNI = {"avx512_vnni", "avx_vnni", "asimddp"}


def model_checks(settings: Settings) -> Iterator[Check]:
    """Load the model as a server does, which proves it, and time it."""
    try:
        embedder = OnnxEmbedder(settings.model)
    except InvalidModel as error:
        yield bad("model", str(error), "gallery model check says more; --model names another file")
        return
    card = embedder.card
    yield good("model", f"{card.name} {card.version} ({card.digest[:12]}), golden pictures as on its card")
    yield good("speed", f"{_milliseconds(embedder):.1f} ms a picture on one core, without decoding")
    yield _processor(card.precision)


def _milliseconds(embedder: OnnxEmbedder) -> float:
    """Time one picture on one thread: the median, in milliseconds."""
    picture = np.zeros((1, embedder.card.height, embedder.card.width, 3), np.uint8)
    times = []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        embedder.embed_pixels(picture)
        times.append(time.perf_counter() - begun)
    return 1e3 * statistics.median(times)


def _processor(precision: str) -> Check:
    features = cpu_features()
    vnni = sorted(features & _VNNI)
    if not features:
        return good("processor", "its features are not told here")
    if vnni:
        return good("processor", f"has {', '.join(vnni)}: 8-bit models are at their fastest")
    if precision == "int8":
        return warning(
            "processor",
            "has no VNNI: this 8-bit model is slower here, and another machine's templates may lie elsewhere",
            "serve one gallery from machines of one kind, or use the fp32 model",
        )
    return good("processor", "has no VNNI, which an fp32 model does not need")
