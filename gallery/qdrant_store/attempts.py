"""Calls that are tried again: reads, and writes that leave the same when they are done twice."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from gallery.errors import StoreUnavailable
from gallery.qdrant_store.translation import is_transient, translated

T = TypeVar("T")


class Attempts:
    """Makes calls to the server, three times while it is unavailable; its errors become the gallery's.

    Once it was unavailable ``see_ready`` is awaited before the next call, and raises StoreUnavailable while the server
    is not ready: a node of a cluster that has just come back answers by what it knew before it was away.
    """

    def __init__(self, see_ready: Callable[[], Awaitable[None]]) -> None:
        self._see_ready = see_ready
        self._was_away = False

    async def call(self, gallery_id: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that may be repeated, on the collection of ``gallery_id``."""
        attempts = AsyncRetrying(
            retry=retry_if_exception(is_transient) | retry_if_exception_type(StoreUnavailable),
            stop=stop_after_attempt(3),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            reraise=True,
        )

        async def attempt() -> T:
            if self._was_away:
                await self._see_ready()
            try:
                answer = await call()
            except Exception as error:
                self._was_away |= is_transient(error)
                raise
            self._was_away = False
            return answer

        with translated(gallery_id):
            return await attempts(attempt)
