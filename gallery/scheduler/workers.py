"""The threads that embed, and what becomes of those that hang or die.

ONNX Runtime releases the GIL, so N threads use N cores. A thread cannot be ended from outside: one that hangs is left
behind and another takes its place; when it comes back after all, its result is thrown away and it ends.

On Linux, where niceness is a thread's own, workers are nicer than the event loop: when they keep all cores busy, calls
are still taken, refused and answered at once. The loop needs little, so that they lose next to nothing.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gallery.domain import EncodedImage, Lane
from gallery.errors import EmbedderUnavailable, EmbeddingFailed, Overloaded
from gallery.ports import Network
from gallery.scheduler.lanes import Job, Lanes, Outcome

_SMOOTHING = 0.1  # weight of the newest service time in the running mean
_FIRST_GUESS = 0.02  # seconds an image takes, before any was seen

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the workers are.

    ``waiting`` counts the images in each lane. ``workers`` threads can work, ``busy`` of them do; ``hung`` were left
    behind and have not come back; ``replaced`` counts all that ever hung or died.
    """

    waiting: Mapping[Lane, int]
    workers: int
    busy: int
    hung: int
    replaced: int


@dataclass(slots=True, eq=False)
class _Worker:
    """A thread: the jobs it is at, since when (monotonic seconds), and whether it was left behind."""

    jobs: list[Job] = field(default_factory=list)
    begun: float = 0.0
    left: bool = False

    @property
    def unary(self) -> bool:
        """Whether it is at jobs of Lane.UNARY."""
        return bool(self.jobs) and self.jobs[0].lane is Lane.UNARY


class Workers:
    """``count`` threads over a queue in which ``queue`` unary images may wait.

    They are ``nice`` steps nicer than the thread that makes this, no more than 19 altogether. ``tell`` is called from
    any thread with each job that has its outcome, once. As many threads again as ``count`` may
    hang at a time; when they do, nothing can be embedded until one of them comes back.
    """

    def __init__(self, network: Network, *, count: int, queue: int, nice: int, tell: Callable[[Job], None]) -> None:
        self._network = network
        self._count = count
        self._queue = queue
        self._niceness = _own_niceness() + nice  # whoever starts a worker hands on its own otherwise
        self._tell = tell
        self._lanes = Lanes()
        self._working: set[_Worker] = set()
        self._hung: set[_Worker] = set()
        self._replaced = 0
        self._service_time = _FIRST_GUESS
        self._closing = False
        self._changed = threading.Condition()  # guards all of the above but the network and tell
        with self._changed:
            self._start_missing()

    def put(self, job: Job) -> None:
        """Queue a job; raises Overloaded (UNARY) and EmbedderUnavailable."""
        with self._changed:
            self._check_room(job.lane)
            self._lanes.put(job)
            self._changed.notify()

    def check_room(self) -> None:
        """Raise what `put` would raise for a job of Lane.UNARY."""
        with self._changed:
            self._check_room(Lane.UNARY)

    def drop(self, job: Job) -> None:
        """Forget a job that nobody waits for any longer, unless it is being embedded already."""
        with self._changed:
            self._lanes.drop(job)

    def load(self) -> Load:
        """Tell how busy the workers are."""
        with self._changed:
            waiting = {lane: self._lanes.waiting(lane) for lane in Lane}
            working, hung = len(self._working), len(self._hung)
            return Load(waiting, working, self._busy(), hung, self._replaced)

    def replace_hung(self, limit: float) -> None:
        """Leave every worker behind that has been at one image for ``limit`` seconds, and start as many others."""
        with self._changed:
            late = time.monotonic() - limit
            failed = self._leave(lambda worker: worker.begun <= late)
            self._start_missing()
            self._changed.notify_all()
            stranded = [] if self._working else list(self._lanes.take_all())
        for job in failed:
            _log.error("a worker was given up after %g s at an image of %d bytes", limit, len(job.image.content))
            error = EmbeddingFailed(f"the image was not embedded within {limit:g} s, and its worker was given up")
            self._tell_outcome(job, error)
        for job in stranded:
            self._tell_outcome(job, _none_left())

    def close(self, grace: float | None) -> None:
        """Embed what waits, for at most ``grace`` seconds, and end the threads; what is left then fails.

        Blocks. Nothing is accepted meanwhile.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._working, grace)
            failed = [*self._lanes.take_all(), *self._leave(lambda _: True)]
        for job in failed:
            self._tell_outcome(job, _stopping())

    def _check_room(self, lane: Lane) -> None:
        if self._closing:
            raise _stopping()
        if not self._working:
            raise _none_left()
        if lane is Lane.UNARY:
            self._refuse_when_full()

    def _refuse_when_full(self) -> None:
        waiting = self._lanes.waiting(Lane.UNARY)
        beyond_one = sum(len(worker.jobs) - 1 for worker in self._working if worker.unary)
        if waiting + beyond_one < self._queue + len(self._working) - self._busy():
            return
        before = waiting + min(waiting, self._lanes.waiting(Lane.STREAM))  # they take turns
        raise Overloaded(
            f"{waiting} images are waiting, which is all that this server lets wait",
            retry_after=before * self._service_time / len(self._working),
            remedy="try again after the delay, or run more servers",
        )

    def _busy(self) -> int:
        return sum(bool(worker.jobs) for worker in self._working)

    def _start_missing(self) -> None:
        room = 2 * self._count - len(self._working) - len(self._hung)
        for _ in range(min(self._count - len(self._working), room)):
            worker = _Worker()
            try:
                threading.Thread(target=self._work, args=(worker,), name="embed", daemon=True).start()
            except RuntimeError as error:  # the machine gives no more threads; it is tried again at the next round
                _log.error("a worker cannot be started: %s", error)
                return
            self._working.add(worker)

    def _leave(self, hangs: Callable[[_Worker], bool]) -> list[Job]:
        """Leave busy workers behind and return their jobs."""
        jobs = []
        for worker in [*self._working]:
            if worker.jobs and hangs(worker):
                jobs += worker.jobs
                worker.left = True
                self._working.remove(worker)
                self._hung.add(worker)
                self._replaced += 1
        return jobs

    def _work(self, worker: _Worker) -> None:
        """Be a worker: embed until there is nothing left to do."""
        _be_nice(self._niceness)
        try:
            while jobs := self._next(worker):
                outcomes = self._embed([job.image for job in jobs])
                if self._finish(worker):
                    for job, outcome in zip(jobs, outcomes, strict=True):
                        self._tell_outcome(job, outcome)
        except BaseException:
            _log.exception("a worker died, and another takes its place")
            with self._changed:
                self._replaced += not worker.left
        finally:
            with self._changed:
                orphans = [] if worker.left else worker.jobs
                self._working.discard(worker)
                self._hung.discard(worker)
                if not self._closing:
                    self._start_missing()
                self._changed.notify_all()
            for orphan in orphans:
                self._tell_outcome(orphan, EmbeddingFailed("the worker that embedded the image died"))

    def _next(self, worker: _Worker) -> list[Job]:
        """Wait for jobs; none means that the worker is to end."""
        with self._changed:
            while not worker.left:
                worker.jobs = self._lanes.take_share(self._count)
                if worker.jobs:
                    worker.begun = time.monotonic()
                    return worker.jobs
                if self._closing:
                    break
                self._changed.wait()
        return []

    def _finish(self, worker: _Worker) -> bool:
        """Say whether the outcome still counts."""
        with self._changed:
            if worker.left:
                return False
            took = (time.monotonic() - worker.begun) / len(worker.jobs)
            worker.jobs = []
            self._service_time += _SMOOTHING * (took - self._service_time)
            return True

    def _embed(self, images: list[EncodedImage]) -> Sequence[Outcome]:
        try:
            return self._network.embed_all(images)
        except Exception as error:
            if len(images) > 1:  # the one it fails at fails alone
                return [self._embed([image])[0] for image in images]
            _log.exception("an image of %d bytes could not be embedded", len(images[0].content))
            failure = EmbeddingFailed("the network failed at the image; the server's log says how")
            failure.__cause__ = error
            return [failure]

    def _tell_outcome(self, job: Job, outcome: Outcome) -> None:
        job.outcome = outcome
        self._tell(job)


def _own_niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else 0


def _be_nice(niceness: int) -> None:
    if sys.platform == "linux":  # elsewhere the number of a thread may be that of somebody else's process
        with suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def _none_left() -> EmbedderUnavailable:
    return EmbedderUnavailable(
        "every worker hangs", remedy="restart the server, and see its log for when they began to"
    )


def _stopping() -> EmbedderUnavailable:
    return EmbedderUnavailable("the server is stopping", remedy="send the image to another")
