import asyncio
import os
import sys
import threading

import pytest

from gallery.domain import Embedded, EncodedImage, Lane
from gallery.errors import EmbedderUnavailable, EmbeddingFailed, GalleryError
from gallery.scheduler import Scheduler
from tests.scheduler.gate import SHORT, GatedNetwork, begin, begun, until


async def test_workers_embed_at_the_same_time(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=2, queue=8) as scheduler:
        tasks = [begin(scheduler) for _ in range(3)]
        await begun(network)
        await begun(network)
        assert (scheduler.load().busy, scheduler.load().waiting[Lane.UNARY]) == (2, 1)
        network.gate.set()
        await asyncio.gather(*tasks)


async def test_a_worker_that_hangs_is_replaced_and_its_late_result_is_thrown_away(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=8, timeout=SHORT) as scheduler:
        hanging = begin(scheduler, b"hangs")
        await begun(network)
        with pytest.raises(EmbeddingFailed, match="not embedded within"):
            await hanging
        assert len(await scheduler.embed(EncodedImage(b"quick"))) == 1
        load = scheduler.load()
        assert (load.workers, load.hung, load.replaced) == (1, 1, 1)
        network.gate.set()
        await until(lambda: scheduler.load().hung == 0)
        assert (scheduler.load().workers, scheduler.load().replaced) == (1, 1)


async def test_a_worker_that_dies_is_replaced_and_its_image_fails(
    network: GatedNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    async with Scheduler(network, workers=1, queue=8) as scheduler:
        for deaths in (1, 2, 3):
            with pytest.raises(EmbeddingFailed, match="died"):
                await scheduler.embed(EncodedImage(b"quick deadly"))
            assert scheduler.load().replaced == deaths
            assert len(await scheduler.embed(EncodedImage(b"quick"))) == 1
    assert "a worker died" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere niceness is a process's")
async def test_workers_are_nicer_than_the_event_loop_and_so_are_those_that_take_their_places() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    class Told(GatedNetwork):
        def embed(self, image: EncodedImage) -> tuple[Embedded, ...] | GalleryError:
            told.append(niceness())
            return super().embed(image)

    told: list[int] = []
    before = niceness()
    async with Scheduler(Told(), workers=1, queue=8, nice=3) as scheduler:
        for _ in range(3):
            with pytest.raises(EmbeddingFailed, match="died"):
                await scheduler.embed(EncodedImage(b"quick deadly"))
    assert told == [min(19, before + 3)] * 3
    assert niceness() == before


async def test_when_too_many_hang_it_says_so_until_one_comes_back(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=8, timeout=SHORT) as scheduler:
        for lane in (Lane.UNARY, Lane.STREAM):
            with pytest.raises(EmbeddingFailed):
                await scheduler.embed(EncodedImage(b"hangs"), lane)
        for lane in Lane:
            with pytest.raises(EmbedderUnavailable, match="every worker hangs"):
                await scheduler.embed(EncodedImage(b"quick"), lane)
        assert (scheduler.load().workers, scheduler.load().hung) == (0, 2)
        network.gate.set()
        await until(lambda: scheduler.load().hung == 0)
        assert len(await scheduler.embed(EncodedImage(b"quick"))) == 1


async def test_who_waits_when_the_last_worker_hangs_is_told(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=8, timeout=SHORT) as scheduler:
        tasks = [begin(scheduler, b"hangs", lane) for lane in (Lane.UNARY, Lane.STREAM, Lane.BULK, Lane.BULK)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == [
        *["EmbedderUnavailable"] * 2,
        *["EmbeddingFailed"] * 2,
    ]
