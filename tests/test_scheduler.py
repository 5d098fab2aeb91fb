import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from gallery.domain import Embedded, EncodedImage, Quality
from gallery.errors import InvalidImage, Overloaded
from gallery.model_card import ModelCard
from gallery.ports import Network
from gallery.scheduler import Scheduler

CARD = ModelCard(name="gate", digest="0" * 64, height=8, width=4, dimension=2, threshold=0.3)


class GatedNetwork(Network):
    """Embeds nothing until its gate is opened, and remembers what it was given."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.seen: list[bytes] = []

    @property
    def card(self) -> ModelCard:
        return CARD

    def embed(self, image: EncodedImage) -> tuple[Embedded, ...]:
        self.seen.append(image.content)
        assert self.gate.wait(timeout=20)
        if image.content == b"bad":
            raise InvalidImage("this one is bad")
        vector = np.array([1.0, 0.0], np.float32)
        return (Embedded(None, vector, CARD.digest, Quality(4, 8, 0.5, 0.5, 0.5)),)


@pytest.fixture
def network() -> Iterator[GatedNetwork]:
    network = GatedNetwork()
    yield network
    network.gate.set()


async def settle(scheduler: Scheduler, pending: int) -> None:
    for _ in range(2000):
        if scheduler.pending == pending:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{scheduler.pending} are pending, not {pending}")


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=2) as scheduler:
        waiting = [asyncio.create_task(scheduler.embed(EncodedImage(b"x"))) for _ in range(3)]
        await settle(scheduler, 3)
        with pytest.raises(Overloaded) as refusal:
            await scheduler.embed(EncodedImage(b"one too many"))
        assert refusal.value.retry_after > 0
        network.gate.set()
        await asyncio.gather(*waiting)
    assert b"one too many" not in network.seen


async def test_a_place_in_the_queue_is_free_again_when_its_work_is_over(network: GatedNetwork) -> None:
    network.gate.set()
    async with Scheduler(network, workers=1, queue=1) as scheduler:
        for _ in range(10):
            await scheduler.embed(EncodedImage(b"x"))
            await settle(scheduler, 0)


async def test_an_image_whose_caller_gave_up_while_it_waited_is_never_embedded(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=1, queue=4) as scheduler:
        first = asyncio.create_task(scheduler.embed(EncodedImage(b"first")))
        second = asyncio.create_task(scheduler.embed(EncodedImage(b"second")))
        await settle(scheduler, 2)
        second.cancel()
        await settle(scheduler, 1)
        network.gate.set()
        await first
    assert network.seen == [b"first"]


async def test_a_bad_image_fails_alone(network: GatedNetwork) -> None:
    network.gate.set()
    async with Scheduler(network, workers=2, queue=8) as scheduler:
        answers = await asyncio.gather(
            *(scheduler.embed(EncodedImage(content)) for content in (b"good", b"bad", b"good")),
            return_exceptions=True,
        )
    assert [type(answer) for answer in answers] == [tuple, InvalidImage, tuple]


async def test_workers_embed_at_the_same_time(network: GatedNetwork) -> None:
    async with Scheduler(network, workers=2, queue=8) as scheduler:
        tasks = [asyncio.create_task(scheduler.embed(EncodedImage(b"x"))) for _ in range(3)]
        for _ in range(2000):
            if len(network.seen) == 2:
                break
            await asyncio.sleep(0.005)
        assert len(network.seen) == 2
        network.gate.set()
        await asyncio.gather(*tasks)


async def test_closing_finishes_what_was_accepted(network: GatedNetwork) -> None:
    scheduler = Scheduler(network, workers=1, queue=8)
    tasks = [asyncio.create_task(scheduler.embed(EncodedImage(b"x"))) for _ in range(4)]
    await settle(scheduler, 4)
    network.gate.set()
    await scheduler.close()
    assert [len(answer) for answer in await asyncio.gather(*tasks)] == [1] * 4
