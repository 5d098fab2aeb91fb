"""The streams of both clients: what goes out, what comes back, and a failure of either side told once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from gallery.domain import BulkItem, BulkResult, StreamAnswer, StreamItem, TemplateFilter
from gallery.errors import InvalidRequest
from gallery.wire import bulk, streams

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class StreamCall(Generic[Item, Answer]):
    """A bidirectional RPC: its first message, how an item is written, and how an answer is read."""

    method: str
    options: Message
    write: Callable[[Item], Message]
    read: Callable[[Any], Answer]

    def message_of(self, item: Item) -> Message:
        """Write an item; raises InvalidRequest for what protobuf cannot hold."""
        try:
            return self.write(item)
        except ValueError as error:
            raise InvalidRequest(f"the item cannot be sent: {error}") from error


def identify_stream(
    gallery_id: str, *, max_candidates: int, threshold: float | None, where: TemplateFilter
) -> StreamCall[StreamItem, StreamAnswer]:
    """Ask who the people before a camera are."""
    options = streams.options_message(gallery_id, max_candidates=max_candidates, threshold=threshold, where=where)
    return StreamCall("IdentifyStream", options, streams.item_message, streams.read_answer)


def bulk_enroll(gallery_id: str) -> StreamCall[BulkItem, BulkResult]:
    """Ask for a bulk enrolment."""
    return StreamCall("BulkEnroll", bulk.options_message(gallery_id), bulk.item_message, bulk.read_result)


async def conversed(
    stub: Any, call: StreamCall[Item, Answer], items: AsyncIterable[Item]
) -> AsyncGenerator[Answer, None]:
    """Send items as fast as they are taken, and yield answers as they come; raises what ``items`` raise.

    When ``items`` end or fail, the answers that are due still come. Leaving early cancels the call.
    """
    rpc = getattr(stub, call.method)()

    async def send() -> None:
        # once the call is over, its end is told to whoever reads
        with suppress(grpc.RpcError, asyncio.InvalidStateError):
            await rpc.write(call.options)
            await rpc.initial_metadata()  # a refusal that overtakes a write would be lost (grpc#36066)
            try:
                async for item in items:
                    await rpc.write(call.message_of(item))
            finally:
                await rpc.done_writing()

    sending = asyncio.create_task(send())
    try:
        async for response in rpc:
            yield call.read(response)
        if sending.done():
            sending.result()
    finally:
        rpc.cancel()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


def converse(stub: Any, call: StreamCall[Item, Answer], items: Iterable[Item]) -> Generator[Answer, None, None]:
    """As `conversed`; gRPC iterates ``items`` in a thread of its own."""
    failures: list[BaseException] = []

    def messages() -> Iterator[Message]:
        yield call.options
        try:
            for item in items:
                yield call.message_of(item)
        except Exception as error:
            failures.append(error)

    rpc = getattr(stub, call.method)(messages())
    try:
        for response in rpc:
            yield call.read(response)
        if failures:
            raise failures[0]
    finally:
        rpc.cancel()
