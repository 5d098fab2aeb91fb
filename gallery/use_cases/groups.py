"""What many tasks ask of the store one by one, carried out in groups."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

Ask = TypeVar("Ask")
Reply = TypeVar("Reply")


class Groups(Generic[Ask, Reply]):
    """One group is carried out at a time; what is asked meanwhile makes the next, of at most ``largest``.

    ``carry_out`` gives a reply for each of a group, in order; what it raises is raised to all of them. A group that is
    not full waits up to ``patience`` seconds for more, unless ``are_all``, given its size, says that no more will come.
    """

    def __init__(
        self,
        carry_out: Callable[[Sequence[Ask]], Awaitable[Sequence[Reply]]],
        *,
        largest: int,
        patience: float = 0.0,
        are_all: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._carry_out = carry_out
        self._largest = largest
        self._patience = patience
        self._are_all = are_all
        self._changed = asyncio.Event()
        self._waiting: list[tuple[Ask, asyncio.Future[Reply]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, what: Ask) -> Reply:
        """Ask, and wait for the reply."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, reply))
        self._changed.set()
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await reply

    def look_again(self) -> None:
        """Ask ``are_all`` again: its answer may have changed."""
        self._changed.set()

    async def close(self) -> None:
        """Stop at once; whoever still waits gets no reply."""
        if self._working is not None:
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                group = [each for each in self._waiting[: self._largest] if not each[1].done()]
                del self._waiting[: self._largest]
                if group:
                    await self._reply(group)
        finally:
            self._working = None

    async def _gather(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while len(self._waiting) < self._largest and not self._are_all(len(self._waiting)):
                    self._changed.clear()
                    await self._changed.wait()

    async def _reply(self, group: Sequence[tuple[Ask, asyncio.Future[Reply]]]) -> None:
        try:
            replies = await self._carry_out([what for what, _ in group])
        except Exception as error:
            for _, reply in group:
                if not reply.done():
                    reply.set_exception(error)
        else:
            for (_, reply), said in zip(group, replies, strict=True):
                if not reply.done():
                    reply.set_result(said)
