"""A gallery that answers as a test wants, and a camera that gives a frame whenever a test says so."""

import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from datetime import UTC, datetime
from queue import Queue
from uuid import UUID

import numpy as np

from gallery.cameras import Frame, Source, Streams
from gallery.domain import (
    Basis,
    Candidate,
    EndTrack,
    Identification,
    Outcome,
    Pixels,
    Quality,
    Region,
    StreamAnswer,
    StreamItem,
    ThresholdSource,
    TrackDecision,
)

BASIS = Basis(0.4, ThresholdSource.MODEL, "digest")
QUALITY = Quality(40, 100, 1.0, 0.5, 0.5)


def identification(name: str, distance: float, region: Region | None = None) -> Identification:
    outcome = Outcome.MATCH if distance <= BASIS.threshold else Outcome.NO_MATCH
    return Identification(region, outcome, (Candidate(name, distance, UUID(int=0)),), None, BASIS, QUALITY)


def answer(item: StreamItem) -> StreamAnswer:
    """Everybody is ann."""
    if isinstance(item, EndTrack):
        return StreamAnswer(item.item_id, tracks=(TrackDecision(item.track_id, identification("ann", 0.1), 1),))
    people = tuple(identification("ann", 0.1, region) for region in item.image.regions or (None,))
    tracks = tuple(TrackDecision(name, identification("ann", 0.2), 1) for name in item.track_ids if name)
    return StreamAnswer(item.item_id, people, tracks)


class Answering(Streams):
    """Takes items as they come; ``behave`` gives the answers that are due after each, or raises."""

    def __init__(self, behave: Callable[[StreamItem], list[StreamAnswer]]) -> None:
        self.behave = behave
        self.streams: list[list[StreamItem]] = []

    async def identify_stream(
        self,
        gallery_id: str,
        probes: AsyncIterable[StreamItem],
        *,
        max_candidates: int = 5,
        threshold: float | None = None,
    ) -> AsyncGenerator[StreamAnswer, None]:
        taken: list[StreamItem] = []
        self.streams.append(taken)
        async for item in probes:
            taken.append(item)
            for each in self.behave(item):
                yield each


class GivenCamera(Source):
    """A live source whose frames a test gives; ``waits`` is set once they are all taken."""

    rate = 10.0
    total = None
    live = True

    def __init__(self) -> None:
        self.unreadable = 0
        self.closed = False
        self.waits = threading.Event()
        self._frames: Queue[Pixels | None] = Queue()
        self._number = 0
        self._stopped = threading.Event()

    def give(self, pixels: Pixels | None) -> None:
        """Show a frame to the camera, or end it by None."""
        self._frames.put(pixels)

    def read(self) -> Frame | None:
        if self._frames.empty():
            self.waits.set()
        pixels = self._frames.get()
        if pixels is None or self._stopped.is_set():
            return None
        number = self._number
        self._number += 1
        return Frame(number, number / self.rate, datetime.now(UTC), np.asarray(pixels, np.uint8), asked=True)

    def stop(self) -> None:
        self._stopped.set()
        self._frames.put(None)

    def close(self) -> None:
        self.closed = True
