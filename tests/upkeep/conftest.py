"""The use cases on a store in memory, with strangers to calibrate against."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from gallery.domain import Cohort
from gallery.onnx_embedder import OnnxEmbedder
from gallery.scheduler import Scheduler
from gallery.use_cases import GalleryUseCases
from tests.fakes import MemoryStore
from tests.tiny_model import DIMENSION
from tests.upkeep.people import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def gallery(model_file: Path, store: MemoryStore, clock: Clock) -> AsyncIterator[GalleryUseCases]:
    network = OnnxEmbedder(model_file)
    vectors = np.random.default_rng(5).normal(size=(900, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cohort = Cohort(network.card.digest, vectors, tuple(f"stranger {row // 2}" for row in range(900)))
    async with Scheduler(network, workers=2, queue=64) as scheduler:
        use_cases = GalleryUseCases(scheduler, store, cohort, clock)
        await use_cases.create_gallery("lobby")
        yield use_cases
