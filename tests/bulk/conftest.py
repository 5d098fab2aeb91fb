"""A bench for each test."""

from datetime import UTC, datetime

import pytest

from gallery.domain import OnConflict, Policy
from gallery.use_cases import GalleryUseCases
from tests.bulk.bench import Bench, HashEmbedder, WatchedStore


@pytest.fixture
async def bench() -> Bench:
    embedder, store = HashEmbedder(), WatchedStore()
    use_cases = GalleryUseCases(embedder, store, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    await use_cases.create_gallery("lobby", policy=Policy(on_conflict=OnConflict.ACCEPT))
    return Bench(use_cases, embedder, store)
