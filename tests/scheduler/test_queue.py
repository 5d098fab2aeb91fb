import asyncio
import gc
import threading
import weakref
from collections.abc import Sequence

import pytest

from gallery.domain import Embedded, EncodedImage, Lane, Region
from gallery.errors import EmbedderUnavailable, EmbeddingFailed, GalleryError, InvalidImage, Overloaded
from gallery.scheduler import Scheduler
from tests.scheduler.gate import SHORT, GatedNetwork, begin, begun, until


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=2) as scheduler:
        waiting = [begin(scheduler)]
        await begun(network)
        waiting += [begin(scheduler) for _ in range(2)]
        await asyncio.sleep(0)
        assert scheduler.load().waiting[Lane.UNARY] == 2
        with pytest.raises(Overloaded) as refusal:
            await scheduler.embed(EncodedImage(b"one too many"))
        assert refusal.value.retry_after > 0
        network.gate.set()
        await asyncio.gather(*waiting)
        await scheduler.embed(EncodedImage(b"later"))
    assert b"one too many" not in network.seen


async def test_as_many_are_taken_at_once_as_workers_and_queue_hold(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=2, queue=3) as scheduler:
        answers = asyncio.gather(*(begin(scheduler) for _ in range(20)), return_exceptions=True)
        await begun(network)
        network.gate.set()
        assert sum(isinstance(answer, Overloaded) for answer in await answers) == 15


async def test_those_together_but_for_one_still_count_as_waiting() -> None:
    class Slow(GatedNetwork):
        def embed_all(self, encoded: Sequence[EncodedImage]) -> list[tuple[Embedded, ...] | GalleryError]:
            assert len(encoded) == 1 or together.wait(timeout=60)
            return super().embed_all(encoded)

    together, network = threading.Event(), Slow()
    async with Scheduler(network, workers=1, queue=4) as scheduler:
        tasks = [begin(scheduler)]
        await begun(network)
        tasks += [begin(scheduler) for _ in range(3)]
        await asyncio.sleep(0)
        network.gate.set()
        await until(lambda: scheduler.load().waiting[Lane.UNARY] == 0)
        tasks += [begin(scheduler) for _ in range(4)]
        await asyncio.sleep(0)
        together.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, Overloaded) for answer in answers] == [False] * 6 + [True] * 2


@pytest.mark.parametrize("lane", [Lane.STREAM, Lane.BULK])
async def test_streams_and_bulk_wait_instead_and_leave_the_queue_to_others(network: GatedNetwork, lane: Lane) -> None:
    async with Scheduler(network, workers=1, queue=1) as scheduler:
        waiting = [begin(scheduler, b"0", lane)]
        await begun(network)
        waiting += [begin(scheduler, b"%d" % number, lane) for number in range(1, 20)]
        probe = begin(scheduler, b"probe")
        await asyncio.sleep(0)
        assert scheduler.load().waiting == {Lane.UNARY: 1, Lane.STREAM: 0, Lane.BULK: 0} | {lane: 19}
        network.gate.set()
        await asyncio.gather(probe, *waiting)
    order = [content for content in network.seen if content != b"probe"]
    assert order == [b"%d" % number for number in range(20)]
    assert network.seen.index(b"probe") <= 2


@pytest.mark.parametrize(
    ("workers", "lane", "waiting", "together"),
    [
        (1, Lane.STREAM, 6, [4, 2]),
        (1, Lane.BULK, 9, [4, 4, 1]),
        (3, Lane.STREAM, 6, [2, 1, 1, 1, 1]),
        (2, Lane.UNARY, 4, [2, 1, 1]),
    ],
)
async def test_what_waits_alone_goes_through_the_network_together(
    network: GatedNetwork, workers: int, lane: Lane, waiting: int, together: list[int]
) -> None:
    async with Scheduler(network, workers=workers, queue=8) as scheduler:
        tasks = [begin(scheduler, b"first") for _ in range(workers)]
        for _ in range(workers):
            await begun(network)
        tasks += [begin(scheduler, b"%d" % number, lane) for number in range(waiting)]
        await asyncio.sleep(0)
        network.gate.set()
        await asyncio.gather(*tasks)
    assert sorted(network.together[workers:], reverse=True) == together


async def test_lanes_that_wait_for_each_other_take_turns_by_images(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=8) as scheduler:
        tasks = [begin(scheduler)]
        await begun(network)
        tasks += [begin(scheduler, b"stream", Lane.STREAM) for _ in range(6)]
        tasks += [begin(scheduler, b"bulk", Lane.BULK) for _ in range(2)]
        await asyncio.sleep(0)
        network.gate.set()
        await asyncio.gather(*tasks)
    assert network.together == [*[1] * 7, 2]


async def test_many_people_of_one_frame_share_the_network_with_no_other(network: GatedNetwork) -> None:
    crowd = EncodedImage(b"crowd", tuple(Region(0, 0, size, size) for size in range(1, 6)))
    async with Scheduler(network, workers=1, queue=8) as scheduler:
        first = begin(scheduler)
        await begun(network)
        one, many, other = (
            asyncio.create_task(scheduler.embed(image, Lane.STREAM))
            for image in (EncodedImage(b"one"), crowd, EncodedImage(b"other"))
        )
        await asyncio.sleep(0)
        network.gate.set()
        await asyncio.gather(first, one, many, other)
    assert network.together == [1, 1, 1, 1]


async def test_of_those_together_only_the_broken_one_fails(
    network: GatedNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    async with Scheduler(network, workers=1, queue=8) as scheduler:
        first = begin(scheduler)
        await begun(network)
        tasks = [begin(scheduler, name, Lane.STREAM) for name in (b"1", b"2 broken", b"3 bad", b"4")]
        await asyncio.sleep(0)
        network.gate.set()
        answers = await asyncio.gather(first, *tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [tuple, tuple, EmbeddingFailed, InvalidImage, tuple]
    assert network.together == [1, 4, 1, 1, 1, 1]
    assert "secret thoughts" in caplog.text


async def test_those_together_with_one_that_hangs_are_answered_with_it(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=8, timeout=SHORT) as scheduler:
        first = begin(scheduler, b"hangs")
        await begun(network)
        tasks = [begin(scheduler, name, Lane.STREAM) for name in (b"quick", b"hangs", b"quick")]
        answers = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [EmbeddingFailed] * 4
        assert scheduler.load().replaced == 2
        network.gate.set()


async def test_what_was_given_up_while_it_waited_is_never_embedded(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=4) as scheduler:
        first = begin(scheduler, b"first")
        await begun(network)
        for lane in Lane:
            given_up = begin(scheduler, b"given up", lane)
            await asyncio.sleep(0)
            assert scheduler.load().waiting[lane] == 1
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            assert scheduler.load().waiting[lane] == 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await scheduler.embed(EncodedImage(b"too late"))
        network.gate.set()
        await first
    assert network.seen == [b"first"]


async def test_what_is_given_up_while_it_is_embedded_harms_nobody(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=4) as scheduler:
        given_up = begin(scheduler)
        await begun(network)
        given_up.cancel()
        network.gate.set()
        assert len(await scheduler.embed(EncodedImage(b"next"))) == 1


async def test_a_bad_image_fails_alone(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=2, queue=8) as scheduler:
        tasks = [begin(scheduler, content) for content in (b"quick", b"quick bad", b"quick")]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [tuple, InvalidImage, tuple]


async def test_what_nobody_foresaw_fails_its_image_alone_and_is_told_to_the_log_only(
    network: GatedNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    async with Scheduler(network, workers=1, queue=8) as scheduler:
        with pytest.raises(EmbeddingFailed) as failure:
            await scheduler.embed(EncodedImage(b"quick broken"))
        assert "secret" not in str(failure.value)
        assert len(await scheduler.embed(EncodedImage(b"quick"))) == 1
        assert scheduler.load().replaced == 0
    assert "secret thoughts" in caplog.text


async def test_an_error_does_not_keep_its_image(network: GatedNetwork) -> None:
    class Owned(EncodedImage):
        __slots__ = ("__weakref__",)

    gc.disable()
    try:
        async with Scheduler(network, workers=1, queue=8) as scheduler:
            image = Owned(b"quick bad")
            kept = weakref.ref(image)
            with pytest.raises(InvalidImage):
                await scheduler.embed(image)
            del image
            await scheduler.embed(EncodedImage(b"quick"))  # a worker keeps its last image until the next
            assert kept() is None
    finally:
        gc.enable()


async def test_closing_finishes_what_was_accepted_and_accepts_no_more(network: GatedNetwork) -> None:
    scheduler = Scheduler(network, workers=1, queue=8)
    tasks = [begin(scheduler) for _ in range(4)]
    await begun(network)
    closing = asyncio.create_task(scheduler.close())
    await asyncio.sleep(0)
    network.gate.set()
    await closing
    assert [len(answer) for answer in await asyncio.gather(*tasks)] == [1] * 4
    with pytest.raises(EmbedderUnavailable, match="stopping"):
        await scheduler.embed(EncodedImage(b"quick"))


async def test_closing_waits_no_longer_than_the_grace_and_tells_who_is_left(network: GatedNetwork) -> None:
    scheduler = Scheduler(network, workers=1, queue=8)
    tasks = [begin(scheduler) for _ in range(3)]
    await begun(network)
    await scheduler.close(grace=0.0)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [EmbedderUnavailable] * 3


async def test_many_callers_of_every_lane_are_all_answered(network: GatedNetwork) -> None:
    network.gate.set()
    async with Scheduler(network, workers=3, queue=1000) as scheduler:
        tasks = [begin(scheduler, b"%d" % number, [*Lane][number % 3]) for number in range(900)]
        for task in tasks[::7]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        load = scheduler.load()
    assert [isinstance(answer, tuple) for answer in answers] == [number % 7 != 0 for number in range(900)]
    assert (load.busy, sum(load.waiting.values())) == (0, 0)
