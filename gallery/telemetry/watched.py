"""A store and an embedder whose work is timed; in all else they do as the store and embedder behind them."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

from gallery.domain import Embedded, EncodedImage, Lane
from gallery.model_card import ModelCard
from gallery.ports import Embedder, TemplateStore

_STAGES = {"nearest": "search", "put": "write", "move": "write", "delete": "erase"}
_NOT_STAGES = {"check", "close"}


class Watch(Protocol):
    """Watches the stages of calls."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Watch a stage for as long as the block lasts."""

    def took(self, stage: str, seconds: float) -> None:
        """Hear of a stage that was timed elsewhere; from any thread."""

    def embedded(self, people: int) -> None:
        """Hear how many people a picture had."""


class WatchedEmbedder:
    """An Embedder before another: the stage is "embed", the wait for a worker included."""

    def __init__(self, embedder: Embedder, watch: Watch) -> None:
        self._embedder = embedder
        self._watch = watch

    @property
    def card(self) -> ModelCard:
        """The card of the embedder behind."""
        return self._embedder.card

    async def embed(self, image: EncodedImage, lane: Lane = Lane.UNARY) -> tuple[Embedded, ...]:
        """As the embedder behind."""
        with self._watch.stage("embed"):
            people = await self._embedder.embed(image, lane)
        self._watch.embedded(len(people))
        return people


def watched_store(store: TemplateStore, watch: Watch) -> TemplateStore:
    """Watch every question to a store: "search", "write", "erase", and "lookup", which all the rest is."""
    return cast(TemplateStore, _Watched(store, watch))


class _Watched:
    """Forwards everything; a method is wrapped when it is first asked for, so the port may grow."""

    def __init__(self, store: TemplateStore, watch: Watch) -> None:
        self._store = store
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name in _NOT_STAGES or not inspect.iscoroutinefunction(found):
            return found
        wrapped = self._wrapped(found, _STAGES.get(name.partition("_")[0], "lookup"))
        setattr(self, name, wrapped)
        return wrapped

    def _wrapped(self, method: Callable[..., Awaitable[Any]], stage: str) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(method)
        async def watched(*args: Any, **kwargs: Any) -> Any:
            with self._watch.stage(stage):
                return await method(*args, **kwargs)

        return watched
