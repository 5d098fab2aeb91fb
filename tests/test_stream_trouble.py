"""All that can go wrong with a camera's stream, tried on a real server: what is told, and that nothing stays behind."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from gallery import AsyncGalleryClient
from gallery.domain import BulkItem, EncodedImage, StreamProbe
from gallery.errors import GalleryNotFound, ImageTooLarge, ServerUnavailable
from gallery.server import running
from gallery.settings import Settings
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub
from tests.pictures import png_of

SMALL = png_of(1)
SLOW = png_of(1, height=3000, width=3000)
LARGE = bytes(2**20 + 1)  # more than a picture may have, and less than a message
HUGE = bytes(5 * 2**20)  # more than a message may have

OPTIONS = pb.IdentifyStreamRequest(options=pb.IdentifyStreamOptions(gallery_id="lobby", max_candidates=100))


def probe(item_id: str, content: bytes = SMALL, *track_ids: str) -> pb.IdentifyStreamRequest:
    image = pb.Image(content=content)
    return pb.IdentifyStreamRequest(probe=pb.StreamProbe(item_id=item_id, image=image, track_ids=track_ids))


@pytest.fixture
def settings(tmp_path: Path, model_file: Path) -> Settings:
    return Settings(
        listen="127.0.0.1:0", model=model_file, store=tmp_path / "store", workers=2, max_image_bytes=2**20, grace=30.0
    )


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[tuple[AsyncExitStack, str]]:
    """A server with three people, in this loop: what stops it, and its address."""
    async with AsyncExitStack() as stack:
        address = (await stack.enter_async_context(running(settings))).address
        async with AsyncGalleryClient(address) as client:
            await client.create_gallery("lobby")
            for person in range(3):
                await client.enroll("lobby", f"person-{person}", [png_of(person)])
        yield stack, address


@pytest.fixture
def address(server: tuple[AsyncExitStack, str]) -> str:
    return server[1]


@pytest.fixture
async def stub(address: str) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(address) as channel:
        yield GalleryServiceStub(channel)


async def other_is_served(stub: Any) -> None:
    answer = await stub.Identify(pb.IdentifyRequest(gallery_id="lobby", image=pb.Image(content=SMALL)))
    assert answer.identifications[0].candidates[0].identity_id == "person-1"


def reason_of(status: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


async def opened(stub: Any) -> Any:
    stream = stub.IdentifyStream()
    await stream.write(OPTIONS)
    return stream


async def ask(stream: Any, request: pb.IdentifyStreamRequest) -> pb.IdentifyStreamResponse:
    await stream.write(request)
    return cast(pb.IdentifyStreamResponse, await stream.read())


async def end_of(stream: Any) -> tuple[grpc.StatusCode, str]:
    while True:
        try:
            if await stream.read() is grpc.aio.EOF:
                return await stream.code(), await stream.details()
        except grpc.aio.AioRpcError:
            return await stream.code(), await stream.details()


def tasks_of_streams() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if "answer" in repr(task.get_coro())}


async def test_a_client_that_sends_and_never_reads_is_read_no_further(stub: Any, address: str) -> None:
    # many candidates make long answers, and they fill what lies between server and client
    policy = pb.Policy(fusion=pb.FUSION_BEST)
    await stub.UpdateGallery(pb.UpdateGalleryRequest(gallery_id="lobby", policy=policy))
    enrolments = [
        pb.EnrollRequest(gallery_id="lobby", identity_id=f"person-{n}", images=[pb.Image(content=png_of(n))])
        for n in range(3, 53)
    ]
    await asyncio.gather(*(stub.Enroll(enrolment) for enrolment in enrolments))
    async with grpc.aio.insecure_channel(address) as channel:
        stream, sent = await opened(GalleryServiceStub(channel)), 0

        async def send() -> None:
            nonlocal sent
            while True:
                await stream.write(probe(f"item-{sent}", SMALL + bytes(200_000)))
                sent += 1

        sending, before = asyncio.create_task(send()), -1
        while sent != before or not sent:  # it has come further while others were served
            before = sent
            for _ in range(50):
                await other_is_served(stub)
        assert not sending.done()
        sending.cancel()
    await other_is_served(stub)


async def test_thousand_idle_streams_leave_room_for_the_next_client(stub: Any, address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        streams = [await opened(GalleryServiceStub(channel)) for _ in range(1000)]
        await other_is_served(stub)
        for stream in streams[::100]:
            assert (await ask(stream, probe("one"))).response.identifications[0].matched
    await other_is_served(stub)


VANISHING = """
import os, sys, grpc
from gallery.v1 import gallery_service_pb2_grpc
from tests.test_stream_trouble import OPTIONS, SLOW, probe
stub = gallery_service_pb2_grpc.GalleryServiceStub(grpc.insecure_channel(sys.argv[1]))
def requests():
    yield OPTIONS
    yield probe("first")
    for number in range(8):
        yield probe(str(number), SLOW)
for answer in stub.IdentifyStream(requests()):
    os._exit(0)
"""


async def test_a_client_that_vanishes_leaves_nothing_behind(stub: Any, address: str) -> None:
    await ask(await opened(stub), probe("somebody else's"))
    before = tasks_of_streams()
    assert before
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", VANISHING, address], check=True)
    while left := tasks_of_streams() - before:
        await asyncio.wait(left)
    await other_is_served(stub)


async def test_a_message_over_the_limit_ends_its_stream_and_the_next_one_is_served(stub: Any, address: str) -> None:
    stream = await opened(stub)
    assert (await ask(stream, probe("small"))).item_id == "small"
    await stream.write(probe("huge", HUGE))
    code, details = await end_of(stream)
    assert (code, "larger than max" in details) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
    assert (await ask(await opened(stub), probe("small"))).item_id == "small"

    async def probes() -> AsyncIterator[StreamProbe]:
        yield StreamProbe("huge", EncodedImage(HUGE))

    async with AsyncGalleryClient(address) as client:
        with pytest.raises(ImageTooLarge):
            await anext(client.identify_stream("lobby", probes()))


async def test_why_a_stream_is_refused_is_not_lost_behind_what_is_sent(address: str) -> None:
    async def probes() -> AsyncIterator[StreamProbe]:
        for number in range(100):
            yield StreamProbe(str(number), EncodedImage(LARGE[:500_000]))

    async def portraits() -> AsyncIterator[BulkItem]:
        for number in range(100):
            yield BulkItem(str(number), f"person-{number}", EncodedImage(LARGE[:500_000]))

    async with AsyncGalleryClient(address) as client:
        for _ in range(20):
            with pytest.raises(GalleryNotFound):
                await anext(client.identify_stream("nowhere", probes()))
            with pytest.raises(GalleryNotFound):
                await anext(client.bulk_enroll("nowhere", portraits()))


async def test_an_image_over_the_limit_in_a_message_that_is_not_fails_alone(stub: Any) -> None:
    stream = await opened(stub)
    refused = await ask(stream, probe("large", LARGE))
    assert (refused.item_id, reason_of(refused.error)) == ("large", "IMAGE_TOO_LARGE")
    assert (await ask(stream, probe("small"))).response.identifications[0].matched


async def test_an_item_id_in_use_is_refused_alone(stub: Any) -> None:
    stream = await opened(stub)
    await stream.write(probe("same", SLOW))
    refused = await ask(stream, probe("same"))
    assert (refused.item_id, reason_of(refused.error)) == ("same", "INVALID_PARAMETER")
    assert (await stream.read()).response.identifications
    assert (await ask(stream, probe("same"))).response.identifications[0].matched


@pytest.mark.parametrize("item_id", ["x" * 257, "line\nline"])
async def test_an_item_id_of_the_wrong_form_is_refused_alone(stub: Any, item_id: str) -> None:
    stream = await opened(stub)
    refused = await ask(stream, probe(item_id))
    assert (refused.item_id, reason_of(refused.error)) == (item_id, "INVALID_IDENTIFIER")
    assert (await ask(stream, probe("good"))).response.identifications


async def test_an_empty_region_is_refused_alone(stub: Any) -> None:
    stream = await opened(stub)
    bad = probe("bad")
    bad.probe.image.regions.add()
    assert reason_of((await ask(stream, bad)).error) == "INVALID_REGION"
    assert (await ask(stream, probe("good"))).response.identifications


@pytest.mark.parametrize(
    ("requests", "sentence"),
    [
        ([probe("one")], "the stream has no options"),
        ([pb.IdentifyStreamRequest()], "the stream has no options"),
        ([OPTIONS, OPTIONS], "the stream has options already"),
        ([OPTIONS, pb.IdentifyStreamRequest()], "the message is empty"),
    ],
)
async def test_a_message_out_of_its_place_ends_the_stream(
    stub: Any, requests: list[pb.IdentifyStreamRequest], sentence: str
) -> None:
    stream = stub.IdentifyStream()
    for request in requests:
        await stream.write(request)
    code, details = await end_of(stream)
    assert (code, sentence in details) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    status = await rpc_status.aio.from_call(stream)
    assert status is not None
    assert reason_of(status) == "INVALID_REQUEST"
    await other_is_served(stub)


async def test_bytes_that_are_no_message_end_the_stream(stub: Any, address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stream: Any = channel.stream_stream("/gallery.v1.GalleryService/IdentifyStream")()
        await stream.write(OPTIONS.SerializeToString())
        await stream.write(b"\xff\xff\xff")
        code, details = await end_of(stream)
        assert (code, "cannot be read" in details) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    await other_is_served(stub)


async def test_a_stream_without_a_message_ends_without_an_answer(stub: Any) -> None:
    stream = stub.IdentifyStream()
    await stream.done_writing()
    assert await end_of(stream) == (grpc.StatusCode.OK, "")


async def test_a_track_that_never_ends_makes_room_for_others_and_begins_anew(stub: Any) -> None:
    stream = await opened(stub)
    assert [(await ask(stream, probe("a", SMALL, "old"))).tracks[0].image_count for _ in range(2)] == [1, 2]
    for number in range(256):
        assert (await ask(stream, probe("b", SMALL, str(number)))).tracks[0].image_count == 1
    assert (await ask(stream, probe("c", SMALL, "255"))).tracks[0].image_count == 2
    assert (await ask(stream, probe("d", SMALL, "old"))).tracks[0].image_count == 1


async def test_a_gallery_deleted_meanwhile_fails_each_item(stub: Any) -> None:
    stream = await opened(stub)
    assert (await ask(stream, probe("before"))).response.identifications
    await stub.DeleteGallery(pb.DeleteGalleryRequest(gallery_id="lobby"))
    for item_id in ("after", "and after"):
        refused = await ask(stream, probe(item_id))
        assert (refused.item_id, reason_of(refused.error)) == (item_id, "GALLERY_NOT_FOUND")
    await stub.CreateGallery(pb.CreateGalleryRequest(gallery_id="lobby"))
    assert (await ask(stream, probe("anew"))).response.identifications


async def test_a_changed_gallery_holds_for_streams_that_run(stub: Any) -> None:
    stream = await opened(stub)
    assert (await ask(stream, probe("before"))).response.identifications[0].outcome == pb.OUTCOME_MATCH
    policy = pb.Policy(fusion=pb.FUSION_BEST, probe_quality=pb.QualityLimits(min_width=1000))
    await stub.UpdateGallery(pb.UpdateGalleryRequest(gallery_id="lobby", policy=policy, pinned_threshold=0.25))
    after = (await ask(stream, probe("after"))).response
    assert after.identifications[0].outcome == pb.OUTCOME_REJECTED
    assert after.basis.threshold == 0.25


async def test_a_server_that_stops_answers_what_it_has_taken_and_says_unavailable(
    server: tuple[AsyncExitStack, str], stub: Any
) -> None:
    stack, _ = server
    busy, idle, silent = await opened(stub), await opened(stub), stub.IdentifyStream()
    await ask(idle, probe("small"))
    await busy.write(probe("slow", SLOW))
    await ask(busy, probe("small"))  # so the slow one before it has been taken
    stopping = asyncio.create_task(stack.aclose())
    assert (await busy.read()).response.identifications
    for stream in (busy, idle, silent):
        code, details = await end_of(stream)
        assert (code, "connect again" in details) == (grpc.StatusCode.UNAVAILABLE, True)
    await stopping


async def test_the_client_raises_server_unavailable_when_the_server_stops(
    server: tuple[AsyncExitStack, str],
) -> None:
    stack, address = server
    more = asyncio.Event()

    async def probes() -> AsyncIterator[StreamProbe]:
        yield StreamProbe("one", EncodedImage(SMALL))
        await more.wait()

    async with AsyncGalleryClient(address) as client:
        answers = client.identify_stream("lobby", probes())
        assert (await anext(answers)).item_id == "one"
        stopping = asyncio.create_task(stack.aclose())
        with pytest.raises(ServerUnavailable, match="connect again"):
            await anext(answers)
        await stopping
    assert not [task for task in asyncio.all_tasks() if "send" in repr(task.get_coro())]
