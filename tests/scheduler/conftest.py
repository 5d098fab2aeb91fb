"""The network behind the scheduler of each test; its gate is open at the end."""

from collections.abc import Iterator

import pytest

from tests.scheduler.gate import GatedNetwork


@pytest.fixture
def network() -> Iterator[GatedNetwork]:
    network = GatedNetwork()
    yield network
    network.gate.set()
