"""A JPEG of 480x640 decoded at half its size, against decoding it whole: the time, and whom it looks like."""

import time
from collections.abc import Callable
from itertools import product
from statistics import median

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.effort import Effort
from benchmarks.figures import Figure
from gallery.domain import Embedding, Pixels
from gallery.drawn_people import draw_person
from gallery.images import prepare, settle_decoders
from gallery.onnx_embedder import OnnxEmbedder
from gallery.settings import BUNDLED_MODEL

_TIME_REACH, _SAME_REACH = 0.45, 0.995
_HEIGHT, _WIDTH = 640, 480
_PROBES_EACH = 2


def measure(effort: Effort) -> list[Figure]:
    """Measure both ways picture by picture, and compare the nearest of a gallery of other pictures."""
    settle_decoders()
    with threadpool_limits(1):
        return _measured(OnnxEmbedder(BUNDLED_MODEL), effort.people)


def _measured(network: OnnxEmbedder, people: int) -> list[Figure]:
    height, width = network.card.height, network.card.width
    gallery = np.concatenate([_embedded(network, _whole(_jpeg(person, 0), height, width)) for person in range(people)])
    ways: list[Callable[[bytes], Pixels]] = [lambda jpeg: prepare(jpeg, (), height, width)]
    ways.append(lambda jpeg: _whole(jpeg, height, width))
    took: list[list[float]] = [[], []]
    size = same = 0
    for view, person in product(range(1, 1 + _PROBES_EACH), range(people)):
        content = _jpeg(person, view)
        size += len(content)
        nearest = [-1, -1]
        for way in (0, 1) if person % 2 else (1, 0):  # who comes second finds the caches warm
            begun = time.perf_counter()
            pixels = ways[way](content)
            took[way].append(1000 * (time.perf_counter() - begun))
            nearest[way] = _nearest(gallery, _embedded(network, pixels))
        same += nearest[0] == nearest[1]
    ours, theirs = took
    n = len(ours)
    name = f"{_WIDTH}x{_HEIGHT}, reduced / whole decode"
    note = f"JPEGs of {size / n / 1000:.0f} KB to {width}x{height}; whole: imdecode and INTER_AREA"
    return [
        Figure(f"{name}: time", median(ours), median(theirs), _TIME_REACH, n, note=note),
        Figure(f"{name}: same top-1", same / n, None, _SAME_REACH, n, "", at_least=True, note=f"of {people} people"),
    ]


def _whole(content: bytes, height: int, width: int) -> Pixels:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return small[None].astype(np.uint8, copy=False)


def _embedded(network: OnnxEmbedder, pixels: Pixels) -> Embedding:
    return network.embed_pixels(pixels)


def _nearest(gallery: Embedding, probe: Embedding) -> int:
    return int(np.argmax(gallery @ probe[0]))


def _jpeg(person: int, view: int) -> bytes:
    """Draw a person who fills an upright picture, at half its size to save time, with a sensor's noise on the whole."""
    small = draw_person(person, view, height=_HEIGHT // 2, width=_WIDTH // 2)
    large = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), (_WIDTH, _HEIGHT), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng([person, view]).normal(0.0, 2.0, large.shape)
    picture = np.clip(large + noise, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
