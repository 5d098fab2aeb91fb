"""Calls that are tried again: reads, and writes that leave the same when they are done twice."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from gallery.qdrant_store.translation import is_transient, translated

T = TypeVar("T")


class Attempts:
    """Makes calls to the server, three times while it is unavailable; its errors become the gallery's."""

    async def call(self, gallery_id: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that may be repeated, on the collection of ``gallery_id``."""
        attempts = AsyncRetrying(
            retry=retry_if_exception(is_transient),
            stop=stop_after_attempt(3),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            reraise=True,
        )

        async def attempt() -> T:
            return await call()

        with translated(gallery_id):
            return await attempts(attempt)
