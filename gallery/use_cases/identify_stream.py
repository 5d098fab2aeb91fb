"""Recognition for as long as a camera runs: probes and ends of tracks in, answers out as they are ready."""

import asyncio
import functools
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from gallery import quality
from gallery.domain import (
    EVERYTHING,
    Basis,
    Embedded,
    EndTrack,
    Gallery,
    Lane,
    StreamAnswer,
    StreamItem,
    StreamProbe,
    TemplateFilter,
    TrackDecision,
    checked_key,
)
from gallery.errors import GalleryError, InvalidParameter
from gallery.flow import answered
from gallery.tracks import Track, Tracks
from gallery.use_cases.recognition import DEFAULT_MAX_CANDIDATES, Question, Recognition, check_max_candidates

ITEMS_IN_FLIGHT = 8
"""How many items of one stream are held at a time: enough for several workers, little enough for a thousand streams."""

Answerer: TypeAlias = Callable[[StreamItem], Coroutine[Any, Any, StreamAnswer]]

_BASIS_LASTS = 1.0  # seconds; a threshold corrected for the gallery's size costs a count


@dataclass
class _Stream:
    """What is remembered between the items of one stream."""

    gallery_id: str
    max_candidates: int
    threshold: float | None
    where: TemplateFilter
    tracks: Tracks = field(default_factory=Tracks)
    waiting: set[str] = field(default_factory=set)
    turns: dict[Track, asyncio.Event] = field(default_factory=dict)
    basis: tuple[Gallery, Basis, float] | None = None

    @contextmanager
    def turn(self, tracks: Sequence[Track]) -> Iterator[list[asyncio.Event]]:
        """Take a place in the queue of each track; yields what to wait for before the tracks may be touched.

        So a track's images are fused, and its decisions made, in the order they were sent, however long each takes.
        """
        over = asyncio.Event()
        before = [self.turns[track] for track in tracks if track in self.turns]
        for track in tracks:
            self.turns[track] = over
        try:
            yield before
        finally:
            over.set()
            for track in tracks:
                if self.turns.get(track) is over:
                    del self.turns[track]


class IdentifyStreams(Recognition):
    """Who the people before a camera are."""

    async def identify_stream(
        self,
        gallery_id: str,
        probes: AsyncIterable[StreamItem],
        *,
        max_candidates: int = DEFAULT_MAX_CANDIDATES,
        threshold: float | None = None,
        where: TemplateFilter = EVERYTHING,
    ) -> AsyncGenerator[StreamAnswer, None]:
        """Answer probes and ends of tracks, each under its ``item_id``, as soon as its answer is ready.

        An item that cannot be answered fails alone: its answer has the error. While answers are not read, no more
        items are taken than can be held. Images of one track are judged together, too.
        """
        answer = await self.open_stream(gallery_id, max_candidates=max_candidates, threshold=threshold, where=where)
        async with aclosing(answered(probes, answer, in_flight=ITEMS_IN_FLIGHT)) as answers:
            async for each in answers:
                yield each

    async def open_stream(
        self, gallery_id: str, *, max_candidates: int, threshold: float | None, where: TemplateFilter
    ) -> Answerer:
        """Check a stream's options and give what answers its items, which are to be begun in their order."""
        check_max_candidates(max_candidates)
        stream = _Stream(gallery_id, max_candidates, threshold, where)
        await self._question(stream)
        return functools.partial(self._answer, stream)

    async def _answer(self, stream: _Stream, item: StreamItem) -> StreamAnswer:
        if item.item_id in stream.waiting:
            error = InvalidParameter(
                f"the item_id {item.item_id[:40]!r} is in use by an item that waits for its answer",
                expected="another item_id for each item in flight",
            )
            return StreamAnswer(item.item_id, error=error)
        stream.waiting.add(item.item_id)
        try:
            checked_key("item_id", item.item_id)
            return await (self._end(stream, item) if isinstance(item, EndTrack) else self._probe(stream, item))
        except GalleryError as error:
            self._observer.refused(error)
            return StreamAnswer(item.item_id, error=error)
        finally:
            stream.waiting.discard(item.item_id)

    async def _probe(self, stream: _Stream, probe: StreamProbe) -> StreamAnswer:
        now = self._clock()
        track_ids = _checked_track_ids(probe)
        tracks = {name: stream.tracks.used(name) for name in track_ids if name}
        with stream.turn(list(tracks.values())) as before:
            people = await self._embedder.embed(probe.image, Lane.STREAM)
            question = await self._question(stream)
            identifications = tuple([await self._identification(question, person) for person in people])
            for earlier in before:
                await earlier.wait()
            taken_at = probe.image.context.captured_at or now
            decisions = [
                await self._decision(question, tracks[name], taken_at, person)
                for name, person in zip(track_ids, people, strict=False)
                if name
            ]
            return StreamAnswer(probe.item_id, identifications, tuple(filter(None, decisions)))

    async def _end(self, stream: _Stream, end: EndTrack) -> StreamAnswer:
        track = stream.tracks.ended(checked_key("track_id", end.track_id))
        if track is None:
            return StreamAnswer(end.item_id)
        with stream.turn([track]) as before:
            for earlier in before:
                await earlier.wait()
            decision = await self._decision(await self._question(stream), track, self._clock())
            return StreamAnswer(end.item_id, tracks=() if decision is None else (decision,))

    async def _decision(
        self, question: Question, track: Track, at: datetime, person: Embedded | None = None
    ) -> TrackDecision | None:
        """Decide a track anew, with one more image or as it is; None when it has had no image at all."""
        counted = person is not None and track.add(
            person, quality.judged(person.quality, question.gallery.policy.probe_quality)
        )
        if track.quality is None:
            return None
        near = track.tempered(await self._candidates(question, track.embedding)) if track.image_count else ()
        identification = question.decided(track.region, near, track.quality)
        return track.decided(identification, at, counted=counted)

    async def _question(self, stream: _Stream) -> Question:
        """Read the gallery anew, so that what changes there holds for streams that run."""
        gallery = await self._open(stream.gallery_id)
        now = time.monotonic()
        if stream.basis is None or stream.basis[0] is not gallery or now - stream.basis[2] > _BASIS_LASTS:
            stream.basis = (gallery, await self._basis(stream.threshold, gallery), now)
        return Question(gallery, stream.basis[1], stream.max_candidates, self._alive(stream.where))


def _checked_track_ids(probe: StreamProbe) -> tuple[str, ...]:
    people, names = max(1, len(probe.image.regions)), probe.track_ids
    if names and len(names) != people:
        raise InvalidParameter(
            f"the probe has {len(names)} track_ids for {people} people",
            expected="none, or one for each region (or the whole picture)",
        )
    named = [checked_key("track_id", name) for name in names if name]
    if len(set(named)) < len(named):
        raise InvalidParameter("a track is named twice", expected="nobody twice in one picture")
    return names
