"""A bounded queue and N worker threads around a network: an Embedder made of a Network.

A full queue refuses at once instead of making everybody late. A caller that gives up while it waits is
forgotten: its image is never decoded. ONNX Runtime releases the GIL, so N workers use N cores.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from gallery.domain import Embedded, EncodedImage, Lane
from gallery.errors import Overloaded
from gallery.model_card import ModelCard
from gallery.ports import Network

_SMOOTHING = 0.1  # weight of the newest service time in the running mean
_FIRST_GUESS = 0.02  # seconds an image takes, before any was seen


class Scheduler:
    """Embeds off the event loop, ``workers`` images at the same time, with at most ``queue`` waiting."""

    def __init__(self, network: Network, *, workers: int, queue: int) -> None:
        self._network = network
        self._workers = workers
        self._capacity = workers + queue
        self._pending = 0
        self._service_time = _FIRST_GUESS
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="embed")

    @property
    def card(self) -> ModelCard:
        """The card of the network behind."""
        return self._network.card

    @property
    def pending(self) -> int:
        """How many images are waiting or being embedded."""
        return self._pending

    async def embed(self, image: EncodedImage, lane: Lane = Lane.UNARY) -> tuple[Embedded, ...]:
        """Embed each region and measure its quality; raises Overloaded when the queue is full."""
        if self._pending >= self._capacity:
            raise Overloaded(
                f"{self._pending} images are waiting or being embedded, which is all that this server takes",
                retry_after=self._pending * self._service_time / self._workers,
                remedy="try again after the delay, or run more servers",
            )
        work = self._threads.submit(self._embed, image)
        self._pending += 1
        # Released when the work is over, not when the caller leaves: an image being embedded still holds a worker.
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._release))
        return await asyncio.wrap_future(work)

    def _embed(self, image: EncodedImage) -> tuple[Embedded, ...]:
        begun = time.perf_counter()
        try:
            return self._network.embed(image)
        finally:
            self._service_time += _SMOOTHING * (time.perf_counter() - begun - self._service_time)

    def _release(self) -> None:
        self._pending -= 1

    async def close(self) -> None:
        """Finish what was accepted and stop the workers."""
        await asyncio.to_thread(self._threads.shutdown, wait=True)

    async def __aenter__(self) -> "Scheduler":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
