"""The nodes of a Qdrant cluster as one client: each call goes, in turns, to a node that knows what the others know.

A node that hung, or that is cut off from its peers, goes on answering by what it knew before (seen on 1.16.3), so every
node is asked once a second how it stands (`standing`), and one that lost touch is not called until it has caught up.
Its peers give such a node up, and acknowledge without it what it will not know, after 9 seconds (three tries of three).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any, TypeVar, cast

from qdrant_client import AsyncQdrantClient, models

from gallery.errors import StoreUnavailable
from gallery.qdrant_store.health import see_ready
from gallery.qdrant_store.standing import Standing, Told, Watched
from gallery.qdrant_store.translation import FOREIGN

T = TypeVar("T")

_log = logging.getLogger(__name__)

_INTERVAL = 1.0  # seconds from round to round
_ANSWER = 1.0  # seconds a node has to say how it stands
_PATIENCE = 5.0  # seconds for a node to have caught up, where all are wanted


class _Node:
    """A node, how it stands, and the calls that it has not answered yet."""

    def __init__(self, url: str, client: AsyncQdrantClient) -> None:
        self.url, self.client = url, client
        self.standing = Standing()
        self.calls: set[asyncio.Task[Any]] = set()

    @property
    def is_usable(self) -> bool:
        return self.standing.is_trusted(time.monotonic())

    async def told(self) -> Watched:
        """Ask how it stands; one that was away must say that it is ready, too."""
        try:
            async with asyncio.timeout(_ANSWER):
                status = await self.client.cluster_status()
                if not self.is_usable:
                    await see_ready(self.client, self.url)
        except TimeoutError:
            return Told.SILENT
        except (*FOREIGN, StoreUnavailable):
            return Told.GONE
        return status if isinstance(status, models.ClusterStatusOneOf1) else Told.GONE

    def give_up(self) -> None:
        for call in self.calls:
            call.cancel()


class Nodes:
    """Calls every method of AsyncQdrantClient on one of ``clients`` (by URL); belongs to the loop of its first call.

    Raises StoreUnavailable where no node can be relied on, and in the place of an answer of a node that lost touch
    before it answered: the call may have been carried out.
    """

    def __init__(self, clients: Mapping[str, AsyncQdrantClient]) -> None:
        self._nodes = [_Node(url, client) for url, client in clients.items()]
        self._turns = count()
        self._watching: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        """Return the method, of whichever node is next when it is called."""

        async def call(*args: Any, **kwargs: Any) -> Any:
            usable = await self._usable()
            well = [node for node in usable if not node.standing.trouble] or usable
            node = well[next(self._turns) % len(well)]
            return await _answer(node, getattr(node.client, name)(*args, **kwargs))

        return call

    async def check(self) -> None:
        """See that a node can be relied on; raises StoreUnavailable."""
        await self._usable()

    async def each(self, *, everyone: bool) -> list[AsyncQdrantClient]:
        """Return a client for each node that can be relied on.

        ``everyone``: wait a moment for those that have only just come back, and raise where one is missing then.
        """
        end = time.monotonic() + _PATIENCE
        usable = await self._usable()
        while everyone and (lost := [node for node in self._nodes if not node.is_usable]):
            if time.monotonic() > end:
                raise _lost(lost[0])
            await asyncio.sleep(_INTERVAL)
            usable = await self._usable()
        return [cast(AsyncQdrantClient, _At(node)) for node in usable]

    async def close(self) -> None:
        """Close the connections."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        for node in self._nodes:
            await node.client.close()

    async def _usable(self) -> list[_Node]:
        if self._watching is None:
            async with self._starting:
                if self._watching is None:
                    await self._first_heard()
                    self._watching = asyncio.create_task(self._watch())
        if usable := [node for node in self._nodes if node.is_usable]:
            return usable
        raise StoreUnavailable(
            "no node of the Qdrant cluster can be relied on: "
            + "; ".join(f"{node.url} {node.standing.trouble}" for node in self._nodes),
            expected="more than half of the nodes running and connected",
            remedy="wait for them to agree, or start the other nodes; GET /cluster of each says more",
        )

    async def _first_heard(self) -> None:
        """Ask for the first time, and for a moment more while nobody is well: they may only just have been started."""
        end = time.monotonic() + _PATIENCE
        await self._ask_all()
        while time.monotonic() < end and not any(node.is_usable for node in self._nodes):
            await asyncio.sleep(_INTERVAL)
            await self._ask_all()

    async def _watch(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                await self._ask_all()
            except Exception:  # whatever it is, the next round may be better
                _log.exception("the Qdrant nodes cannot be asked how they stand")
            await asyncio.sleep(max(0.0, begun + _INTERVAL - time.monotonic()))

    async def _ask_all(self) -> None:
        """Ask all nodes at once how they stand; one's answer is judged by the others'."""
        begun = time.monotonic()
        told = await asyncio.gather(*(node.told() for node in self._nodes))
        for node, one in zip(self._nodes, told, strict=True):
            was = node.standing.trusted
            node.standing.hear(one, told, begun)
            if was and not node.standing.trusted:
                _log.warning("the Qdrant node %s is not called any more: it %s", node.url, node.standing.trouble)
                node.give_up()
            elif node.standing.trusted and not was:
                _log.info("the Qdrant node %s is called", node.url)


class _At:
    """One node, as `Nodes` is any."""

    def __init__(self, node: _Node) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if not self._node.is_usable:
                raise _lost(self._node)
            return await _answer(self._node, getattr(self._node.client, name)(*args, **kwargs))

        return call


async def of_each(
    client: AsyncQdrantClient, ask: Callable[[AsyncQdrantClient], Awaitable[T]], replicas: int, enough: int | None
) -> list[T]:
    """Ask for what each replica has: surely of `Nodes`, else with luck, behind a proxy where they take turns.

    Raises StoreUnavailable where fewer than ``enough`` answer; None stands for all.
    """
    nodes: object = client
    clients = await nodes.each(everyone=enough is None) if isinstance(nodes, Nodes) else [client] * replicas
    answers: list[T] = []
    lost: list[StoreUnavailable] = []
    for each in clients:
        try:
            answers.append(await ask(each))
        except StoreUnavailable as error:
            lost.append(error)
    if lost and (enough is None or len(answers) < enough):
        raise lost[0]
    return answers


async def _answer(node: _Node, call: Awaitable[Any]) -> Any:
    """Await a node's answer, and take it only from a node that is still in touch with the others."""
    task = asyncio.ensure_future(call)
    node.calls.add(task)
    try:
        answer = await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if node.is_usable or (current is not None and current.cancelling()):
            raise
        raise _lost(node) from None
    except FOREIGN as error:
        if node.is_usable:
            raise
        raise _lost(node) from error
    finally:
        node.calls.discard(task)
    if not node.is_usable:
        raise _lost(node)
    return answer


def _lost(node: _Node) -> StoreUnavailable:
    return StoreUnavailable(
        f"the Qdrant node {node.url} {node.standing.trouble}",
        expected="a node in touch with the others",
        remedy="try again: the others are asked, where one of them is enough",
    )
