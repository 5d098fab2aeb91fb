"""A write to a Qdrant cluster is done when every replica has it; a server that was away must say that it is ready."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc
import pytest
from grpc import StatusCode
from qdrant_client import models

from gallery.errors import StoreUnavailable
from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.conditions import of_identity
from gallery.qdrant_store.replicas import Replicas, Replication, Write
from gallery.qdrant_store.translation import translation

THREE = Replication(replicas=3, copies=2)
ANYBODY = of_identity("ann")


def refusal(code: StatusCode) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="as the test wants")


class Nodes:
    """Three replicas as a client sees them: reads of several give what all have, reads of one take turns."""

    def __init__(self, *replicas: set[str]) -> None:
        self.replicas = list(replicas)
        self.away: set[int] = set()
        self.passed_by: list[set[int]] = []  # replicas that the next writes do not reach
        self.writes = self.reads = 0

    def reached(self) -> list[set[str]]:
        self.writes += 1
        missed = self.passed_by.pop(0) if self.passed_by else set()
        return [replica for number, replica in enumerate(self.replicas) if number not in self.away | missed]

    async def upsert(self, ids: Sequence[str]) -> None:
        for replica in self.reached():
            replica.update(ids)

    async def delete(self) -> None:
        for replica in self.reached():
            replica.clear()

    async def retrieve(self, _: str, ids: Sequence[str], *, consistency: int | None, **__: Any) -> list[models.Record]:
        self.reads += 1
        there = [replica for number, replica in enumerate(self.replicas) if number not in self.away]
        if len(there) < (consistency or 1):
            raise refusal(StatusCode.INTERNAL)
        found = [each for each in ids if all(each in replica for replica in there[: consistency or 1])]
        return [models.Record(id=each) for each in found]

    async def count(self, *_: Any, **__: Any) -> models.CountResult:
        self.reads += 1
        return models.CountResult(count=len(self.replicas[self.reads % len(self.replicas)]))


async def ready() -> None:
    return None


def replicas_of(nodes: Nodes) -> Replicas:
    return Replicas(nodes, Attempts(ready))  # type: ignore[arg-type]


async def test_a_write_that_passed_by_a_replica_is_made_again() -> None:
    nodes = Nodes(set(), set(), set())
    nodes.passed_by = [{2}]
    await replicas_of(nodes).write("lobby", Write("c", partial(nodes.upsert, ["a"]), ["a"]), THREE)
    assert nodes.replicas == [{"a"}] * 3


async def test_a_deletion_that_passed_by_a_replica_is_made_again() -> None:
    nodes = Nodes({"a"}, {"a"}, {"a"})
    nodes.passed_by = [{1}]
    await replicas_of(nodes).write("lobby", Write("c", nodes.delete, deleted=ANYBODY), THREE)
    assert nodes.replicas == [set()] * 3


async def test_a_write_that_goes_on_passing_by_a_replica_is_refused() -> None:
    nodes = Nodes(set(), set(), set())
    nodes.passed_by = [{1}] * 10
    with pytest.raises(StoreUnavailable, match="not all replicas"):
        await replicas_of(nodes).write("lobby", Write("c", partial(nodes.upsert, ["a"]), ["a"]), THREE)


async def test_with_a_node_away_the_others_are_enough_and_one_alone_is_not() -> None:
    nodes = Nodes(set(), set(), set())
    nodes.away = {2}
    await replicas_of(nodes).write("lobby", Write("c", partial(nodes.upsert, ["a"]), ["a"]), THREE)
    assert nodes.writes == 1
    nodes.away = {1, 2}
    with pytest.raises(StoreUnavailable):
        await replicas_of(nodes).write("lobby", Write("c", partial(nodes.upsert, ["b"]), ["b"]), THREE)


async def test_what_only_some_replicas_have_is_not_found() -> None:
    nodes = Nodes({"a", "b"}, {"a", "b"}, {"a"})
    assert [record.id for record in await replicas_of(nodes).find("lobby", "c", ["a", "b"], THREE)] == ["a"]


async def test_a_collection_of_one_replica_is_written_once_and_not_read() -> None:
    nodes = Nodes(set())
    await replicas_of(nodes).write(
        "lobby", Write("c", partial(nodes.upsert, ["a"]), ["a"]), Replication(replicas=1, copies=1)
    )
    assert (nodes.writes, nodes.reads) == (1, 0)


def test_damage_is_told_with_the_gallery_it_is_in() -> None:
    assert "'lobby'" in translation(refusal(StatusCode.DATA_LOSS), "lobby").told
    assert translation(refusal(StatusCode.DATA_LOSS), "").told.startswith("a gallery is damaged")


async def test_a_server_that_was_away_is_not_asked_anything_before_it_is_ready() -> None:
    told, asked = [False, False, False, True], 0

    async def see_ready() -> None:
        if not told.pop(0):
            raise StoreUnavailable("the Qdrant server is not ready")

    async def call() -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise refusal(StatusCode.UNAVAILABLE)
        return "an answer"

    attempts = Attempts(see_ready)
    with pytest.raises(StoreUnavailable, match="not ready"):
        await attempts.call("lobby", call)
    assert asked == 1
    assert await attempts.call("lobby", call) == "an answer"
    assert (asked, told) == (2, [])
    assert await attempts.call("lobby", call) == "an answer"  # and is trusted again
