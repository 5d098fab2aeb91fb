"""Who waits, and who goes next. Plain data: whoever shares it between threads holds a lock."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gallery.domain import Embedded, EncodedImage, Lane

# One pick in so many is a bulk item's while any waits, however busy the probes are: they lose an eighth at most, and
# an enrolment still ends.
BULK_SHARE = 8

# Where only one lane waits, a worker takes its share of it, up to so many people, through the network together: 5% less
# inference a picture at 192x96, and everything around it finds its code still in the cache.
TOGETHER = 4

Outcome: TypeAlias = tuple[Embedded, ...] | Exception


@dataclass(slots=True, eq=False)
class Job:
    """An image to embed, and where its outcome is waited for."""

    image: EncodedImage
    lane: Lane
    answer: asyncio.Future[tuple[Embedded, ...]]
    outcome: Outcome | None = None

    @property
    def people(self) -> int:
        """How many people are to be embedded."""
        return len(self.image.regions) or 1


class Lanes:
    """A queue for each lane, first come, first served; UNARY and STREAM take turns, and go before all but BULK's share.

    They take turns because an unbounded number of streams may wait: a unary probe never waits for more of them than
    there are unary probes before it.
    """

    def __init__(self) -> None:
        self._waiting: dict[Lane, OrderedDict[Job, None]] = {lane: OrderedDict() for lane in Lane}
        self._probes = (Lane.UNARY, Lane.STREAM)  # whose turn it is, first
        self._since_bulk = 0  # picks of probes since, while bulk items wait

    def waiting(self, lane: Lane) -> int:
        """Count the jobs that wait in a lane."""
        return len(self._waiting[lane])

    def put(self, job: Job) -> None:
        """Let a job wait at the end of its lane."""
        self._waiting[job.lane][job] = None

    def drop(self, job: Job) -> None:
        """Forget a job, if it still waits."""
        self._waiting[job.lane].pop(job, None)

    def take_share(self, workers: int) -> list[Job]:
        """Take out what goes next: one job, or several of its lane where as many are left for each worker.

        Together, the last of them is done no later. While other lanes wait too it is one job, so that lanes take turns
        image by image.
        """
        first = self.take()
        if first is None:
            return []
        jobs, people = [first], first.people
        lane = self._waiting[first.lane]
        share = (len(lane) + 1) // workers
        if len(lane) == sum(map(len, self._waiting.values())):
            while len(jobs) < share and (people := people + next(iter(lane)).people) <= TOGETHER:
                jobs.append(lane.popitem(last=False)[0])
        return jobs

    def take(self) -> Job | None:
        """Take out the job that goes next; None when nobody waits."""
        lane = self._next()
        return None if lane is None else self._waiting[lane].popitem(last=False)[0]

    def take_all(self) -> Iterator[Job]:
        """Take out everybody."""
        while (job := self.take()) is not None:
            yield job

    def _next(self) -> Lane | None:
        bulk_waits = bool(self._waiting[Lane.BULK])
        if bulk_waits and self._since_bulk >= BULK_SHARE - 1:
            self._since_bulk = 0
            return Lane.BULK
        for lane in self._probes:
            if self._waiting[lane]:
                if lane is self._probes[0]:
                    self._probes = self._probes[::-1]
                self._since_bulk += bulk_waits
                return lane
        self._since_bulk = 0
        return Lane.BULK if bulk_waits else None
