"""A network whose gate the tests open, and what they ask of a scheduler in front of it."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gallery.domain import Embedded, EncodedImage, Lane, Quality
from gallery.errors import GalleryError, InvalidImage
from gallery.model_card import ModelCard
from gallery.ports import Network
from gallery.scheduler import Scheduler

CARD = ModelCard(name="gate", digest="0" * 64, height=8, width=4, dimension=2, threshold=0.3)
SHORT = 0.2  # seconds after which a worker is taken to hang, where a test wants one to


class GatedNetwork(Network):
    """Embeds nothing until its gate is opened but for what is quick, and remembers what it was given."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.seen: list[bytes] = []
        self.together: list[int] = []
        self.begun: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    @property
    def card(self) -> ModelCard:
        return CARD

    def embed_all(self, encoded: Sequence[EncodedImage]) -> list[tuple[Embedded, ...] | GalleryError]:
        self.together.append(len(encoded))
        return [self.embed(image) for image in encoded]

    def embed(self, image: EncodedImage) -> tuple[Embedded, ...] | GalleryError:
        self.seen.append(image.content)
        self.begun.put(image.content)
        if not image.content.startswith(b"quick"):
            assert self.gate.wait(timeout=60)
        if image.content.endswith(b"bad"):
            return InvalidImage("this one is bad")
        if image.content.endswith(b"broken"):
            raise RuntimeError("secret thoughts of the network")
        if image.content.endswith(b"deadly"):
            raise SystemExit
        vector = np.array([1.0, 0.0], np.float32)
        return (Embedded(None, vector, CARD.digest, Quality(4, 8, 0.5, 0.5, 0.5)),)


def begin(scheduler: Scheduler, content: bytes = b"x", lane: Lane = Lane.UNARY) -> "asyncio.Task[Any]":
    return asyncio.create_task(scheduler.embed(EncodedImage(content), lane))


async def begun(network: GatedNetwork) -> bytes:
    """Wait for the next image to reach the network."""
    return await asyncio.to_thread(network.begun.get, timeout=60)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - threads change it
        await asyncio.sleep(0.005)
