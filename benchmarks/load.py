"""Those who call, in a process of their own, with messages written beforehand: they cost as little as can be."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import grpc
import uvloop

from benchmarks.rig import CANDIDATES, ENROLLED_INTO, GALLERY
from gallery.v1 import gallery_service_pb2 as pb

_SERVICE = "/gallery.v1.GalleryService/"
# of one stream, written ahead of what was answered: as many as the service holds
_FRAMES_IN_FLIGHT, _ITEMS_IN_FLIGHT = 8, 256


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back in ``seconds``: the seconds each answer took, and each refusal.

    ``delays`` are the seconds by which a caller with a plan made its calls too late, because it waited for a core, too.
    """

    seconds: float
    latencies: tuple[float, ...]
    refusals: tuple[float, ...] = ()
    delays: tuple[float, ...] = ()

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


def unary(address: str, pictures: Sequence[bytes], method: str, callers: int, seconds: float) -> Answers:
    """Call one after another, each of ``callers`` at the same time."""
    return uvloop.run(_unary(address, pictures, method, callers, seconds))


def open_loop(address: str, pictures: Sequence[bytes], rate: float, seconds: float) -> Answers:
    """Call Identify ``rate`` times a second whatever becomes of the calls before."""
    return uvloop.run(_open_loop(address, pictures, rate, seconds))


def streams(address: str, pictures: Sequence[bytes], count: int, seconds: float) -> Answers:
    """Identify on ``count`` streams at once."""
    options = pb.IdentifyStreamOptions(gallery_id=GALLERY, max_candidates=CANDIDATES)
    probes = [
        pb.StreamProbe(item_id=str(number), image=pb.Image(content=picture)) for number, picture in enumerate(pictures)
    ]
    opening = pb.IdentifyStreamRequest(options=options).SerializeToString()
    messages = [pb.IdentifyStreamRequest(probe=probe).SerializeToString() for probe in probes]
    cameras = [_Sending("IdentifyStream", opening, itertools.cycle(messages), _FRAMES_IN_FLIGHT) for _ in range(count)]
    return uvloop.run(_streams(address, cameras, seconds))


def bulk(address: str, pictures: Sequence[bytes], seconds: float) -> Answers:
    """Enrol on one stream; every item is somebody else's, so none is known before."""
    opening = pb.BulkEnrollRequest(options=pb.BulkEnrollOptions(gallery_id=ENROLLED_INTO)).SerializeToString()
    items = (
        pb.BulkEnrollRequest(
            item=pb.BulkEnrollItem(
                item_id=str(number), identity_id=f"{time.time_ns()}-{number}", image=pb.Image(content=picture)
            )
        ).SerializeToString()
        for number, picture in enumerate(itertools.cycle(pictures))
    )
    return uvloop.run(_streams(address, [_Sending("BulkEnroll", opening, items, _ITEMS_IN_FLIGHT)], seconds))


@dataclass(frozen=True, slots=True)
class _Sending:
    """What one stream sends: its options, then items without end."""

    method: str
    opening: bytes
    items: Iterator[bytes]
    in_flight: int


async def _unary(address: str, pictures: Sequence[bytes], method: str, callers: int, seconds: float) -> Answers:
    messages = itertools.cycle([_request(method, picture) for picture in pictures])
    latencies: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_SERVICE + method)
        await call(next(messages))
        begun = time.perf_counter()

        async def one_caller() -> None:
            while time.perf_counter() - begun < seconds:
                asked = time.perf_counter()
                await call(next(messages))
                latencies.append(time.perf_counter() - asked)

        await asyncio.gather(*[one_caller() for _ in range(callers)])
        return Answers(time.perf_counter() - begun, tuple(latencies))


async def _open_loop(address: str, pictures: Sequence[bytes], rate: float, seconds: float) -> Answers:
    messages = itertools.cycle([_request("Identify", picture) for picture in pictures])
    answered: list[float] = []
    refused: list[float] = []
    delays: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_SERVICE + "Identify")
        await call(next(messages))

        async def ask(message: bytes) -> None:
            asked = time.perf_counter()
            try:
                await call(message)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                refused.append(time.perf_counter() - asked)
            else:
                answered.append(time.perf_counter() - asked)

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                due = begun + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                delays.append(time.perf_counter() - due)
                group.create_task(ask(next(messages)))
            took = time.perf_counter() - begun
        return Answers(max(took, time.perf_counter() - begun), tuple(answered), tuple(refused), tuple(delays))


async def _streams(address: str, streams: Sequence[_Sending], seconds: float) -> Answers:
    """Answers are timed from the oldest item without one: they may overtake each other, and all are counted."""
    latencies: list[float] = []
    answers: list[tuple[str, bytes]] = []
    async with grpc.aio.insecure_channel(address) as channel:
        begun = time.perf_counter()

        async def one_stream(sending: _Sending) -> None:
            method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(_SERVICE + sending.method)
            call = method()
            await call.write(sending.opening)
            places = asyncio.Semaphore(sending.in_flight)
            sent: deque[float] = deque()

            async def write() -> None:
                while time.perf_counter() - begun < seconds:
                    await places.acquire()
                    sent.append(time.perf_counter())
                    await call.write(next(sending.items))
                await call.done_writing()

            writing = asyncio.create_task(write())
            async for answer in call:
                places.release()
                latencies.append(time.perf_counter() - sent.popleft())
                answers.append((sending.method, answer))
            await writing

        await asyncio.gather(*map(one_stream, streams))
        took = time.perf_counter() - begun
        _check_answered(answers)
        return Answers(took, tuple(latencies))


def _check_answered(answers: Sequence[tuple[str, bytes]]) -> None:
    for method, answer in answers:
        kind = pb.BulkEnrollResponse if method == "BulkEnroll" else pb.IdentifyStreamResponse
        message = kind.FromString(answer)
        if message.HasField("error"):
            raise AssertionError(f"{method} refused an item: {message.error.message}")


def _request(method: str, picture: bytes) -> bytes:
    image = pb.Image(content=picture)
    if method == "Embed":
        return pb.EmbedRequest(image=image).SerializeToString()
    return pb.IdentifyRequest(gallery_id=GALLERY, image=image, max_candidates=CANDIDATES).SerializeToString()
