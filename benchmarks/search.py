"""Search in 100,000 templates of the embedded store, against brute force over a matrix with BLAS on one thread.

Run alone: ``python -m benchmarks.search``.
"""

import asyncio
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.figures import Figure, show
from gallery.domain import (
    EVERYTHING,
    Context,
    Embedded,
    Embedding,
    EncodedImage,
    Gallery,
    Identification,
    Lane,
    Neighbour,
    Quality,
    Template,
    TemplateFilter,
    TemplateInfo,
)
from gallery.edge_store import EdgeStore
from gallery.model_card import ModelCard
from gallery.use_cases import GalleryUseCases

PEOPLE, EACH_HAS, DIMENSION = 10_000, 10, 256
CAMERAS, DAYS = 10, 20
PROBES = 40
ANSWERS = 10
REACH = 1.5

_CARD = ModelCard(name="drawn", digest="0" * 64, height=1, width=1, dimension=DIMENSION, threshold=0.3)
_QUALITY = Quality(64, 128, 1.0, 0.5, 0.3)
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_ROUNDING = 1e-5
_HALF, _MOST = (
    TemplateFilter(camera_ids=tuple(f"camera-{camera}" for camera in range(cameras)), captured_from=begin)
    for cameras, begin in ((1, _FIRST_DAY + timedelta(days=DAYS / 2)), (9, _FIRST_DAY + timedelta(days=2)))
)


class GivenEmbedder:
    """An embedder of pictures that are embeddings already: what is left is the use case and the store."""

    card = _CARD

    async def embed(self, image: EncodedImage, lane: Lane = Lane.UNARY) -> tuple[Embedded, ...]:
        """Read the embedding."""
        return (
            Embedded(None, np.frombuffer(image.content, np.float32), _CARD.digest, Quality(64, 128, 1.0, 0.5, 0.3)),
        )


@dataclass(frozen=True, eq=False)
class Enrolled:
    """The people: unit rows [templates, dimension] and the template id of each; their gallery on a store."""

    rows: Embedding
    ids: list[uuid.UUID]
    store: EdgeStore
    use_cases: GalleryUseCases


def measure() -> list[Figure]:
    """Measure all figures of this module; raises AssertionError when an answer differs from brute force's."""
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> list[Figure]:
    random = np.random.default_rng(1)
    store = EdgeStore(folder)
    try:
        enrolled = await _enrolled(store, random)
        probes = _unit(random.normal(size=(PROBES, DIMENSION)))
        probes[::2] = _unit(enrolled.rows[random.integers(len(enrolled.rows), size=PROBES // 2)] + 0.5 * probes[::2])
        return await _compared(enrolled, probes)
    finally:
        await store.close()


async def _compared(enrolled: Enrolled, probes: Embedding) -> list[Figure]:
    async def brute(probe: Embedding) -> tuple[NDArray[np.intp], Embedding]:
        similarities = enrolled.rows @ probe
        nearest = np.argpartition(-similarities, ANSWERS)[:ANSWERS]
        nearest = nearest[np.argsort(-similarities[nearest])]
        return nearest, similarities[nearest]

    async def plain(probe: Embedding) -> list[Neighbour]:
        return await enrolled.store.nearest(_CARD.name, probe, limit=ANSWERS)

    def ranking(where: TemplateFilter) -> Callable[[Embedding], Awaitable[Sequence[Identification]]]:
        return lambda probe: enrolled.use_cases.identify(_CARD.name, EncodedImage(probe.tobytes()), where=where)

    ways: dict[str, Callable[[Embedding], Awaitable[object]]] = {
        "brute": brute,
        "plain": plain,
        "all": ranking(EVERYTHING),
        "half": ranking(_HALF),
        "most": ranking(_MOST),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number, probe in enumerate([probes[0], *probes]):  # the first to warm up
        _check_equal(enrolled, await brute(probe), await plain(probe))
        for name, way in ways.items():
            begun = time.perf_counter()
            await way(probe)
            if number:
                times[name].append(1000 * (time.perf_counter() - begun))
    medians = {name: median(taken) for name, taken in times.items()}
    size = f"{len(enrolled.ids):,} x {DIMENSION}"
    return [
        Figure(name, medians[ours], medians[theirs], REACH, len(probes), note=note)
        for name, ours, theirs, note in (
            ("search, embedded store / BLAS, one thread", "plain", "brute", f"{size}, answers equal"),
            ("identity ranking / nearest templates", "all", "plain", "mean of templates, each probe seen first"),
            ("the same, camera and time filter", "half", "plain", "one camera of 10, half of the time"),
            ("the same, camera and time filter that most fit", "most", "plain", "9 cameras of 10, 90% of the time"),
        )
    ]


def _check_equal(enrolled: Enrolled, brute: tuple[NDArray[np.intp], Embedding], found: list[Neighbour]) -> None:
    """See that the answers are brute force's: the same distances, and the same templates unless they are as near."""
    places, similarities = brute
    distances = 1.0 - similarities
    assert len(found) == len(places), "the store found another number of templates than brute force"
    for near, place, distance in zip(found, places, distances, strict=True):
        assert abs(near.distance - distance) < _ROUNDING, "the store gave another distance than brute force"
        as_near = [enrolled.ids[other] for other in places[np.abs(distances - distance) < _ROUNDING]]
        assert near.template_id == enrolled.ids[place] or near.template_id in as_near, (
            "the store found another template"
        )


async def _enrolled(store: EdgeStore, random: np.random.Generator) -> Enrolled:
    """Enrol people whose templates lie around a centre each, on every camera, over all days."""
    centres = np.repeat(random.normal(size=(PEOPLE, DIMENSION)), EACH_HAS, axis=0)
    rows = _unit(centres + 0.8 * random.normal(size=centres.shape))
    ids = [uuid.UUID(bytes=random.bytes(16), version=4) for _ in rows]
    await store.create_gallery(Gallery(_CARD.name, _CARD.digest, _CARD.name, DIMENSION, _FIRST_DAY))
    for begin in range(0, len(rows), 1000):
        places = range(begin, min(begin + 1000, len(rows)))
        await store.put(_CARD.name, [Template(_info(ids[place], place), rows[place]) for place in places])
    return Enrolled(rows, ids, store, GalleryUseCases(GivenEmbedder(), store))


def _info(template_id: uuid.UUID, place: int) -> TemplateInfo:
    captured_at = _FIRST_DAY + timedelta(days=place // EACH_HAS % DAYS, seconds=place % 1000)
    return TemplateInfo(
        template_id,
        f"person-{place // EACH_HAS}",
        _CARD.digest,
        "0" * 64,
        captured_at,
        context=Context.of(f"camera-{place % CAMERAS}", captured_at, {"site": "main"}),
    )


def _unit(vectors: np.ndarray) -> Embedding:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


if __name__ == "__main__":
    show(measure())
