"""The scheduler as the event loop sees it: an image is awaited, and never blocks anybody."""

import asyncio
import contextlib
from collections import deque
from types import TracebackType

from gallery.domain import Embedded, EncodedImage, Lane
from gallery.model_card import ModelCard
from gallery.ports import Network
from gallery.scheduler.lanes import Job
from gallery.scheduler.workers import Load, Workers

DEFAULT_TIMEOUT = 30.0  # seconds; a frame of 64 people takes one


class Scheduler:
    """A `gallery.ports.Embedder`: embeds off the event loop, ``workers`` images at the same time.

    At most ``queue`` images wait in Lane.UNARY, beyond that it refuses at once instead of making everybody late. In the
    other lanes as many wait as there are callers, so a caller bounds its own. An image that keeps a worker for
    ``timeout`` seconds fails, and the worker is replaced. ``nice`` is how much nicer the workers are than the thread
    that makes them. To be made and used in one running event loop.
    """

    def __init__(
        self, network: Network, *, workers: int, queue: int, timeout: float = DEFAULT_TIMEOUT, nice: int = 0
    ) -> None:
        self._card = network.card
        self._loop = asyncio.get_running_loop()
        self._finished: deque[Job] = deque()
        self._is_woken = False  # one wake-up of the loop serves all that finish until it comes
        self._workers = Workers(network, count=workers, queue=queue, nice=nice, tell=self._tell)
        self._watch = self._loop.create_task(self._replace_hung(timeout))

    @property
    def card(self) -> ModelCard:
        """The card of the network behind."""
        return self._card

    async def embed(self, image: EncodedImage, lane: Lane = Lane.UNARY) -> tuple[Embedded, ...]:
        """Embed each region and measure its quality.

        Raises what the network does, Overloaded when the queue is full (UNARY only), EmbeddingFailed when the worker
        fails at this image, EmbedderUnavailable when there is none. Cancelled while it waits, it is never embedded.
        """
        job = Job(image, lane, self._loop.create_future())
        self._workers.put(job)
        try:
            return await job.answer
        except asyncio.CancelledError:
            self._workers.drop(job)
            raise
        finally:
            del job  # an error's traceback would keep it, and it the error and the image

    def check_room(self) -> None:
        """Raise what `embed` would raise at once, in Lane.UNARY: Overloaded, EmbedderUnavailable."""
        self._workers.check_room()

    def load(self) -> Load:
        """Tell how busy the workers are."""
        return self._workers.load()

    async def close(self, grace: float | None = None) -> None:
        """Finish what was accepted, for at most ``grace`` seconds (None: however long), and stop the workers."""
        await asyncio.to_thread(self._workers.close, grace)
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)

    def _tell(self, job: Job) -> None:
        self._finished.append(job)
        if not self._is_woken:
            self._is_woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_woken = False  # first, so that who finishes from now on wakes the loop again
        while self._finished:
            job = self._finished.popleft()
            if job.answer.done():  # cancelled
                continue
            if isinstance(job.outcome, Exception):
                job.answer.set_exception(job.outcome)
            elif job.outcome is not None:
                job.answer.set_result(job.outcome)

    async def _replace_hung(self, limit: float) -> None:
        while True:
            await asyncio.sleep(min(1.0, limit / 4))
            self._workers.replace_hung(limit)

    async def __aenter__(self) -> "Scheduler":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
