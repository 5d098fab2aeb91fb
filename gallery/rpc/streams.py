"""The streams that are open, and their end when the server stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from gallery.errors import InvalidRequest
from gallery.rpc.refusals import Context

Request = TypeVar("Request", bound=Message)


class Requests(Generic[Request]):
    """The messages of one stream, until its client or the server ends it; iterated once, by one task."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ended = False
        self._reading: asyncio.Task[Any] | None = None

    async def accept(self) -> None:
        """Tell the client that it may go on: one that waits for this never loses a refusal behind its own writes."""
        await self._context.send_initial_metadata(())

    def end(self) -> None:
        """Take no more messages, not even the one that is being waited for."""
        self._ended = True
        if self._reading is not None:
            self._reading.cancel()

    def __aiter__(self) -> "Requests[Request]":
        return self

    async def __anext__(self) -> Request:
        if self._ended:
            raise StopAsyncIteration
        self._reading = asyncio.current_task()
        try:
            message = await self._context.read()
        except asyncio.CancelledError:
            if not self._ended:
                raise
            raise StopAsyncIteration from None
        except DecodeError as error:
            raise InvalidRequest(f"a message of the stream cannot be read: {error}") from error
        finally:
            self._reading = None
        if message is grpc.aio.EOF:
            raise StopAsyncIteration
        return message  # type: ignore[no-any-return]


class Streams:
    """The open streams of a servicer.

    When the server stops, a stream is read no further: what was taken of it is answered, then it ends with
    UNAVAILABLE, so that its client connects again and sends what has no answer.
    """

    def __init__(self) -> None:
        self._open: set[Requests[Any]] = set()
        self._draining = False

    def drain(self) -> None:
        """Let every stream end, and none begin."""
        self._draining = True
        for requests in self._open:
            requests.end()

    @asynccontextmanager
    async def opened(self, context: Context) -> AsyncIterator[Requests[Any]]:
        """Give the messages of a stream; to be answered inside the block."""
        requests: Requests[Any] = Requests(context)
        if self._draining:
            requests.end()
        self._open.add(requests)
        try:
            yield requests
        finally:
            self._open.discard(requests)
        if self._draining:
            await context.abort(
                grpc.StatusCode.UNAVAILABLE, "the server is stopping; connect again and send what was not answered"
            )
