"""How much of a bulk enrolment is held at a time, and that nothing is answered before it is written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from gallery.domain import BulkItem, OnConflict, Policy
from gallery.errors import StoreUnavailable
from tests.bulk.bench import Bench, created, given, item


async def test_the_store_is_asked_in_groups(bench: Bench) -> None:
    bench.store.writing.clear()
    bench.embedder.running.clear()
    results = asyncio.ensure_future(bench.enrol(item(number) for number in range(200)))
    await bench.embedder.asked(200)
    bench.embedder.running.set()
    await asyncio.sleep(0)
    bench.store.writing.set()
    assert len(await results) == 200
    assert len(bench.store.written) < 20
    assert len(bench.store.looked_up) < 20


async def test_a_group_is_compared_in_one_search(bench: Bench) -> None:
    await bench.use_cases.update_gallery("lobby", policy=Policy(on_conflict=OnConflict.WARN))
    bench.embedder.running.clear()
    results = asyncio.ensure_future(bench.enrol(item(number, f"person-{number}") for number in range(100)))
    await bench.embedder.asked(100)
    bench.embedder.running.set()
    assert all(created(result) for result in (await results).values())
    assert sum(bench.store.compared) == 100
    assert len(bench.store.compared) < 10


async def test_a_silent_store_refuses_the_items_it_keeps_waiting_and_the_stream_goes_on(bench: Bench) -> None:
    bench.store.silent = True
    ended = asyncio.Event()

    async def items() -> AsyncIterator[BulkItem]:
        for number in range(10):
            yield item(number)
        await ended.wait()
        yield item("after")

    refused = []
    async for result in bench.use_cases.bulk_enroll("lobby", items()):
        if result.item_id == "after":
            assert created(result)
            continue
        refused.append(result)
        assert isinstance(result.error, StoreUnavailable)
        if len(refused) == 10:
            bench.store.silent = False
            ended.set()
    assert len(refused) == 10
    assert await bench.count() == 1
    assert all(created(result) for result in (await bench.enrol(item(number) for number in range(10))).values())


async def test_nothing_is_answered_before_it_is_written(bench: Bench) -> None:
    bench.store.writing.clear()
    async with aclosing(bench.use_cases.bulk_enroll("lobby", given([item(1)]))) as answers:
        first = asyncio.ensure_future(anext(answers))
        await bench.embedder.asked(1)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not first.done()
        bench.store.writing.set()
        assert created(await first)
        assert await bench.count() == 1


@pytest.mark.parametrize(("size", "most"), [(0, 256), (2**23 - 16, 8), (2**26, 1)])
async def test_no_more_is_taken_than_there_is_room_for(bench: Bench, size: int, most: int) -> None:
    bench.store.writing.clear()
    taken = 0

    async def endless() -> AsyncIterator[BulkItem]:
        nonlocal taken
        while True:
            taken += 1
            yield item(taken, content=b"%d+" % taken + (bytes(size) if taken < 20 else b""))

    async with aclosing(bench.use_cases.bulk_enroll("lobby", endless())) as answers:
        first = asyncio.ensure_future(anext(answers))
        await bench.embedder.asked(most)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert len(bench.embedder.embedded) == most
        assert taken <= most + 1  # one may stand at the door
        bench.store.writing.set()
        assert created(await first)


async def test_twenty_thousand_items_are_held_a_few_hundred_at_a_time(bench: Bench) -> None:
    taken = answered = most = 0

    async def items() -> AsyncIterator[BulkItem]:
        nonlocal taken, most
        for number in range(20_000):
            taken += 1
            most = max(most, taken - answered)
            yield item(number, f"person-{number % 100}")

    async for result in bench.use_cases.bulk_enroll("lobby", items()):
        answered += 1
        assert result.error is None
    assert answered == 20_000
    assert await bench.count() == 20_000
    assert most <= 260


async def test_nothing_is_left_running_when_the_caller_leaves(bench: Bench) -> None:
    bench.store.writing.clear()

    async def endless() -> AsyncIterator[BulkItem]:
        number = 0
        while True:
            number += 1
            yield item(number, content=b"bad" if number == 1 else None)

    before = asyncio.all_tasks()
    async with aclosing(bench.use_cases.bulk_enroll("lobby", endless())) as answers:
        await anext(answers)
    assert asyncio.all_tasks() == before
    assert await bench.count() == 0
