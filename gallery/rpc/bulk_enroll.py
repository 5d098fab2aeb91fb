"""The call of a bulk enrolment: a stream of items, a stream of what became of them."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from gallery.domain import BulkItem, BulkResult
from gallery.rpc.base import Calls
from gallery.rpc.refusals import Context, refusals
from gallery.rpc.streams import Requests
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire import bulk


class BulkEnrollCall(Calls):
    """Who is put into a gallery, many at a time."""

    async def BulkEnroll(self, _: AsyncIterator[pb.BulkEnrollRequest], context: Context) -> None:
        async with self._streams.opened(context) as requests, refusals(context):
            first = await anext(requests, None)
            if first is None:
                return
            gallery_id = bulk.read_gallery_id(first)
            async with aclosing(self._gallery.bulk_enroll(gallery_id, _items(requests))) as results:
                async for result in results:
                    await context.write(bulk.result_message(result))


async def _items(requests: Requests[pb.BulkEnrollRequest]) -> AsyncGenerator[BulkItem | BulkResult, None]:
    await requests.accept()  # the gallery has been opened
    async for message in requests:
        yield bulk.read_item(message)
