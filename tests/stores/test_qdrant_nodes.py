"""The nodes of a cluster are called in turns, and an answer is believed of a node that is in touch with the others."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException

from gallery.errors import StoreUnavailable
from gallery.qdrant_store.nodes import Nodes, of_each
from tests.stores.test_qdrant_standing import WELL


class Node:
    """A node as its client shows it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status: models.ClusterStatus | None = WELL
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked = asyncio.Event()
        self.http = SimpleNamespace(service_api=SimpleNamespace(readyz=self.readyz))

    async def readyz(self) -> None:
        return None

    async def cluster_status(self) -> models.ClusterStatus:
        if self.status is None:
            raise ResponseHandlingException(OSError("connection refused"))
        return self.status

    async def whoami(self) -> str:
        self.asked.set()
        await self.answering.wait()
        return self.name

    async def close(self) -> None:
        return None


@pytest.fixture
def three() -> list[Node]:
    return [Node(name) for name in "abc"]


@pytest.fixture
async def nodes(three: list[Node]) -> AsyncIterator[Nodes]:
    nodes = Nodes({node.name: cast(AsyncQdrantClient, node) for node in three})
    yield nodes
    await nodes.close()


async def test_nodes_are_called_in_turns(nodes: Nodes) -> None:
    assert sorted([await nodes.whoami() for _ in range(6)]) == ["a", "a", "b", "b", "c", "c"]


async def test_a_node_that_is_away_is_passed_by(nodes: Nodes, three: list[Node]) -> None:
    three[0].status = None
    assert {await nodes.whoami() for _ in range(4)} == {"b", "c"}


async def test_where_no_node_can_be_relied_on_it_is_said_and_why(
    nodes: Nodes, three: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.qdrant_store.nodes._PATIENCE", 0.0)
    for node in three:
        node.status = None
    with pytest.raises(StoreUnavailable, match="a is away or not ready; b is away"):
        await nodes.check()


async def test_a_call_that_hangs_at_a_node_that_is_lost_is_given_up_and_may_be_made_again(
    nodes: Nodes, three: list[Node]
) -> None:
    for node in three[1:]:
        node.status = None
    three[0].answering.clear()
    call = asyncio.ensure_future(nodes.whoami())
    await three[0].asked.wait()
    three[0].status, three[1].status = None, WELL
    with pytest.raises(StoreUnavailable, match="a is away"):
        await call
    while True:
        try:
            assert await nodes.whoami() == "b"
            break
        except StoreUnavailable:  # it has only just come back
            await asyncio.sleep(0.1)


async def test_a_caller_who_gives_up_is_not_told_of_the_store(nodes: Nodes, three: list[Node]) -> None:
    for node in three[1:]:
        node.status = None
    three[0].answering.clear()
    call = asyncio.ensure_future(nodes.whoami())
    await three[0].asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_each_replica_is_asked_at_its_node(
    nodes: Nodes, three: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.qdrant_store.nodes._PATIENCE", 0.0)

    async def ask(client: Any) -> str:
        return str(await client.whoami())

    client = cast(AsyncQdrantClient, nodes)
    assert await of_each(client, ask, 3, enough=None) == ["a", "b", "c"]
    three[1].status = None
    await nodes._ask_all()
    assert await of_each(client, ask, 3, enough=2) == ["a", "c"]
    with pytest.raises(StoreUnavailable, match="b is away"):
        await of_each(client, ask, 3, enough=None)


async def test_a_client_of_one_address_is_asked_once_for_each_replica(three: list[Node]) -> None:
    async def ask(client: Any) -> str:
        return str(await client.whoami())

    assert await of_each(cast(AsyncQdrantClient, three[0]), ask, 3, enough=2) == ["a", "a", "a"]
