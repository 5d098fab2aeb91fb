"""The call of a camera: a stream of probes, a stream of answers."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from google.rpc import code_pb2, status_pb2

from gallery.errors import GalleryError, InvalidRequest
from gallery.flow import answered
from gallery.rpc.base import Calls
from gallery.rpc.refusals import Context, refusals, told, unforeseen
from gallery.use_cases import DEFAULT_MAX_CANDIDATES
from gallery.use_cases.identify_stream import Answerer
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire import streams, values


class IdentifyStreamCall(Calls):
    """Who the people before a camera are."""

    async def IdentifyStream(self, _: AsyncIterator[pb.IdentifyStreamRequest], context: Context) -> None:
        async with self._streams.opened(context) as requests, refusals(context):
            first = await anext(requests, None)
            if first is None:
                return
            answer_item = await self._open(first)
            await requests.accept()

            async def answer(message: pb.IdentifyStreamRequest) -> pb.IdentifyStreamResponse:
                item_id = streams.item_id_of(message)
                try:
                    became = await answer_item(streams.read_item(message))
                    if became.error is not None:
                        raise became.error
                    return streams.answer_message(became)
                except GalleryError as error:
                    return streams.refusal_message(item_id, told(error))
                except Exception:
                    status = status_pb2.Status(code=code_pb2.INTERNAL, message=unforeseen())
                    return streams.refusal_message(item_id, status)

            async with aclosing(answered(requests, answer, in_flight=self._stream_items)) as answers:
                async for each in answers:
                    await context.write(each)

    async def _open(self, first: pb.IdentifyStreamRequest) -> Answerer:
        if not first.HasField("options"):
            raise InvalidRequest("the stream has no options", expected="options in the first message")
        options = first.options
        return await self._gallery.open_stream(
            options.gallery_id,
            max_candidates=values.read_or(options.max_candidates, DEFAULT_MAX_CANDIDATES),
            threshold=options.threshold if options.HasField("threshold") else None,
            where=values.read_filter(options.filter),
        )
