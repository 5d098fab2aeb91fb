"""Flow control between a stream of items and the stream of their answers, in constant memory."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine
from typing import Any, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


async def answered(
    items: AsyncIterable[Item], answer: Callable[[Item], Coroutine[Any, Any, Answer]], *, in_flight: int
) -> AsyncGenerator[Answer, None]:
    """Yield the answer to each item as soon as it is ready; answers may overtake each other.

    An item is taken only while fewer than ``in_flight`` are held, and one is held until the reader asks for the answer
    after its own: when the reader stops, so does the taking. Items begin in their order, each in a task of its own.
    What ``items`` or ``answer`` raises ends the stream. However it ends, nothing is left running: close it with
    `contextlib.aclosing` to have that at once.
    """
    room = asyncio.Semaphore(in_flight)
    finished: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def begin(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = loop.create_task(work)
        held.add(task)
        task.add_done_callback(finished.put_nowait)
        return task

    async def take() -> None:
        await room.acquire()
        async for item in items:
            begin(answer(item))
            await room.acquire()

    held: set[asyncio.Task[Any]] = set()
    taking = begin(take())
    try:
        while held:
            task = await finished.get()
            held.remove(task)
            if task is taking:
                task.result()
            else:
                yield task.result()
                room.release()
    finally:
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
