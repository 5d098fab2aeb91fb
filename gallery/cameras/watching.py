"""From a source to the gallery and on to the sinks: four tasks, bounded queues between them.

    read ──▶ look ──▶ ask ──▶ show

A recording waits when the gallery is slower; a camera does not, so its frames are dropped before anybody looked at
them, the oldest first, and counted. Frames are shown in their order, however the answers overtake each other.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import cv2

from gallery.cameras.asking import Asking
from gallery.cameras.frames import Frame, Source
from gallery.cameras.people import Finder, Look
from gallery.cameras.results import Result, Sink, result_of
from gallery.domain import Context, EncodedImage, EndTrack, StreamAnswer, StreamItem, StreamProbe
from gallery.errors import GalleryError

IN_FLIGHT = 8
"""How many items wait for an answer at a time: as many as a server holds of one stream."""

_HELD = 32  # frames that wait for their turn to be shown
_BUFFERED = 2  # frames that wait to be looked at
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 92]


@dataclass(slots=True)
class Counts:
    """What was done so far. ``dropped`` are the frames that a camera gave faster than they could be asked about."""

    frames: int = 0
    asked: int = 0
    dropped: int = 0
    refused: int = 0
    people: int = 0
    matched: int = 0


@dataclass(slots=True, eq=False)
class _Due:
    """A frame, or the end of a track, on its way to the sinks; without an ``answer`` it waits for none."""

    frame: Frame | None
    look: Look | None = None
    answer: "asyncio.Future[StreamAnswer] | None" = None


@dataclass(slots=True, eq=False)
class _Line:
    """What runs between the tasks; a None ends each queue."""

    frames: "asyncio.Queue[Frame | None]" = field(default_factory=lambda: asyncio.Queue(_BUFFERED))
    due: "asyncio.Queue[_Due | None]" = field(default_factory=lambda: asyncio.Queue(_HELD))
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))
    waiting: "dict[str, asyncio.Future[StreamAnswer]]" = field(default_factory=dict)


class Watching:
    """One run: all frames of a source, until its end or `stop`."""

    def __init__(
        self, source: Source, finder: Finder, asking: Asking, sinks: Sequence[Sink], camera_id: str | None = None
    ) -> None:
        """Take over ``source`` and ``sinks``: they are closed at the end."""
        self.counts = Counts()
        self._source = source
        self._finder = finder
        self._asking = asking
        self._sinks = sinks
        self._camera_id = camera_id
        self._broken: GalleryError | None = None
        self._ends = 0

    def stop(self) -> None:
        """Read no more; what was read is answered and shown."""
        self._source.stop()
        self._asking.stop()

    async def run(self, advance: Callable[[int], None]) -> None:
        """Watch; ``advance`` is told how many frames are done with. Raises what ended the source or the asking."""
        line = _Line()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(line))
                tasks.create_task(self._look(line))
                tasks.create_task(self._asking.run(lambda answer: self._answered(line, answer)))
                tasks.create_task(self._show(line, advance))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            with ExitStack() as closing:
                closing.callback(self._source.close)
                for sink in self._sinks:
                    closing.callback(sink.close)
        if self._broken is not None:
            raise self._broken

    async def _read(self, line: _Line) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "source") as thread:
            try:
                while (frame := await loop.run_in_executor(thread, self._source.read)) is not None:
                    if self._source.live and line.frames.full():
                        late = line.frames.get_nowait()
                        self.counts.dropped += late is not None and late.asked
                    await line.frames.put(frame)
            except GalleryError as error:
                self._broken = error
            finally:
                self._source.stop()  # a cancelled read ends, too
        await line.frames.put(None)

    async def _look(self, line: _Line) -> None:
        while (frame := await line.frames.get()) is not None:
            self.counts.frames = frame.number + 1
            if not frame.asked:
                await line.due.put(_Due(frame))
                continue
            await line.slots.acquire()
            look = await asyncio.to_thread(self._finder.look, frame)
            if look.people:
                await self._ask(line, _Due(frame, look), await asyncio.to_thread(self._probe, frame, look))
            else:
                line.slots.release()
                await line.due.put(_Due(frame, look))
            await self._end(line, look.ended)
        await self._end(line, self._finder.finish())
        self._asking.end()
        await line.due.put(None)

    async def _end(self, line: _Line, track_ids: Sequence[str]) -> None:
        for track_id in track_ids:
            await line.slots.acquire()
            self._ends += 1
            await self._ask(line, _Due(None), EndTrack(f"end-{self._ends}", track_id))

    async def _ask(self, line: _Line, due: _Due, item: StreamItem) -> None:
        due.answer = line.waiting[item.item_id] = asyncio.get_running_loop().create_future()
        await line.due.put(due)
        self._asking.ask(item)

    def _probe(self, frame: Frame, look: Look) -> StreamProbe:
        content = frame.encoded
        if content is None:
            content = cv2.imencode(".jpg", frame.pixels, _JPEG)[1].tobytes()
        regions = tuple(seen.region for seen in look.people if seen.region is not None)
        track_ids = tuple(seen.track_id for seen in look.people)
        image = EncodedImage(content, regions, Context.of(self._camera_id, frame.captured_at))
        return StreamProbe(f"frame-{frame.number}", image, track_ids if any(track_ids) else ())

    def _answered(self, line: _Line, answer: StreamAnswer) -> None:
        line.slots.release()
        line.waiting.pop(answer.item_id).set_result(answer)

    async def _show(self, line: _Line, advance: Callable[[int], None]) -> None:
        while (due := await line.due.get()) is not None:
            answer = None if due.answer is None else await due.answer
            if due.frame is None:
                for track in () if answer is None else answer.tracks:
                    for sink in self._sinks:
                        sink.ended(track)
                continue
            if answer is None or due.look is None:
                result = Result(due.frame, None if due.look is None else ())
            else:
                result = result_of(due.frame, due.look, answer)
            self._count(result)
            await asyncio.to_thread(self._shown, result)
            advance(due.frame.number + 1)

    def _shown(self, result: Result) -> None:
        for sink in self._sinks:
            sink.show(result)

    def _count(self, result: Result) -> None:
        people = result.people or ()
        self.counts.asked += result.people is not None
        self.counts.refused += result.error is not None
        self.counts.people += len(people)
        self.counts.matched += sum(person.identification.matched for person in people)
