"""Templates that a replica lacks are found, whichever it is, and what is written or erased meanwhile is not one."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from qdrant_client import models

from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.comparison import Comparison

MANY = [str(UUID(int=number)) for number in range(1, 2501)]  # three pages


class Nodes:
    """Replicas as a client sees them: reads of several give what all have, reads of one take turns."""

    def __init__(self, *replicas: set[str]) -> None:
        self.replicas = replicas
        self.calls = count()
        self.before_call: Callable[[int], None] = lambda _: None

    def turn(self) -> set[str]:
        number = next(self.calls)
        self.before_call(number)
        return self.replicas[number % len(self.replicas)]

    async def scroll(self, _: str, *, limit: int, offset: str | None, **__: Any) -> tuple[list[models.Record], Any]:
        ids = sorted(each for each in self.turn() if offset is None or each >= offset)
        return [record(each) for each in ids[:limit]], ids[limit] if len(ids) > limit else None

    async def retrieve(
        self, _: str, ids: Sequence[str], *, consistency: int | None = None, **__: Any
    ) -> list[models.Record]:
        held = self.turn() if consistency is None else set.intersection(*self.replicas)
        return [record(each) for each in ids if each in held]


def record(each: str) -> models.Record:
    return models.Record(id=each, payload={"identity_id": f"person-{UUID(each).int}"})


async def ready() -> None:
    return None


async def uneven(nodes: Nodes) -> dict[str, str]:
    return await Comparison(nodes, Attempts(ready), "lobby", len(nodes.replicas)).uneven()  # type: ignore[arg-type]


@pytest.mark.parametrize("behind", range(3))
@pytest.mark.parametrize("missing", [0, 999, 1000, 1001, 2499])
async def test_a_template_that_one_replica_lacks_is_found_with_its_identity(behind: int, missing: int) -> None:
    nodes = Nodes(set(MANY), set(MANY), set(MANY))
    nodes.replicas[behind].remove(MANY[missing])
    assert await uneven(nodes) == {MANY[missing]: f"person-{missing + 1}"}


async def test_a_replica_that_lacks_most_of_them_hides_none() -> None:
    assert sorted(await uneven(Nodes(set(MANY), set(MANY[2400:]), set(MANY)))) == MANY[:2400]


async def test_replicas_that_agree_are_even() -> None:
    assert await uneven(Nodes(set(MANY), set(MANY), set(MANY))) == {}
    assert await uneven(Nodes(set(), set(), set())) == {}


@pytest.mark.parametrize("done", ["written", "erased"])
async def test_what_is_written_or_erased_meanwhile_is_not_named(done: str) -> None:
    nodes = Nodes({MANY[0]}, set(), set())

    def finish(call: int) -> None:
        if call == 3:  # after the first look
            for replica in nodes.replicas:
                replica.update(MANY[:1]) if done == "written" else replica.clear()

    nodes.before_call = finish
    assert await uneven(nodes) == {}
