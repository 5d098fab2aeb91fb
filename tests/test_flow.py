import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from gallery.flow import answered


class Source:
    """Counts up for ever, or to an end, and knows how many were taken."""

    def __init__(self, end: int | None = None) -> None:
        self.end = end
        self.taken = 0

    def __aiter__(self) -> "Source":
        return self

    async def __anext__(self) -> int:
        if self.taken == self.end:
            raise StopAsyncIteration
        self.taken += 1
        return self.taken


async def double(item: int) -> int:
    return 2 * item


async def test_every_item_has_its_answer() -> None:
    answers = [answer async for answer in answered(Source(100), double, in_flight=7)]
    assert answers == [2 * item for item in range(1, 101)]


async def test_without_items_there_are_no_answers() -> None:
    assert [answer async for answer in answered(Source(0), double, in_flight=1)] == []


async def test_answers_overtake_each_other() -> None:
    late = asyncio.Event()

    async def answer(item: int) -> int:
        if item == 1:
            await late.wait()
        return item

    seen = []
    async for each in answered(Source(3), answer, in_flight=3):
        seen.append(each)
        if each == 3:
            late.set()
    assert seen == [2, 3, 1]


async def test_a_reader_that_stops_stops_the_taking() -> None:
    source = Source()
    async with aclosing(answered(source, double, in_flight=4)) as answers:
        await anext(answers)
        for _ in range(100):
            await asyncio.sleep(0)
        assert source.taken == 4
        await anext(answers)
        for _ in range(100):
            await asyncio.sleep(0)
        assert source.taken == 5


async def test_no_more_are_answered_at_once_than_may_be_in_flight() -> None:
    running, most = 0, 0

    async def answer(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    async for _ in answered(Source(50), answer, in_flight=3):
        pass
    assert most == 3


@pytest.mark.parametrize("leaving", ["close", "cancel"])
async def test_nothing_is_left_running_when_the_reader_leaves(leaving: str) -> None:
    begun, left = asyncio.Event(), []

    async def answer(item: int) -> int:
        if item == 1:
            return item
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            left.append(item)
        return item

    async def read() -> None:
        async with aclosing(answered(Source(), answer, in_flight=5)) as answers:
            await anext(answers)
            await begun.wait()
            if leaving == "cancel":
                await anext(answers)

    before = asyncio.all_tasks()
    reading = asyncio.create_task(read())
    await begun.wait()
    await asyncio.sleep(0)
    if leaving == "cancel":
        reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert sorted(left) == list(range(2, 2 + len(left)))
    assert left
    assert asyncio.all_tasks() == before


async def test_what_an_answer_raises_ends_the_stream_and_the_others() -> None:
    async def answer(item: int) -> int:
        if item == 2:
            raise LookupError("two")
        await asyncio.get_running_loop().create_future()
        return item

    before = asyncio.all_tasks()
    with pytest.raises(LookupError):
        async for _ in answered(Source(), answer, in_flight=5):
            pass
    assert asyncio.all_tasks() == before


async def test_what_the_items_raise_ends_the_stream() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise LookupError("broken")

    with pytest.raises(LookupError):
        async for _ in answered(broken(), double, in_flight=5):
            pass
