"""The whole line: order, what is dropped and what is not, tracks that end, sources and sinks that fail."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from gallery.cameras import (
    Asking,
    Detecting,
    Finder,
    IouTracker,
    Result,
    Sidecar,
    Sink,
    Source,
    Streams,
    Watching,
    WholePicture,
    open_source,
)
from gallery.cameras.opening import Opening
from gallery.cameras.watching import IN_FLIGHT
from gallery.domain import EndTrack, Region, StreamAnswer, StreamItem, StreamProbe, TrackDecision
from gallery.errors import InvalidImage, InvalidParameter, InvalidSource
from gallery.resending import Patience
from tests.cameras.scenes import numbered, write_sidecar, write_video
from tests.cameras.stand_ins import Answering, GivenCamera, answer


class Kept(Sink):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.ends: list[TrackDecision] = []
        self.closed = 0

    def show(self, result: Result) -> None:
        self.results.append(result)

    def ended(self, track: TrackDecision) -> None:
        self.ends.append(track)

    def close(self) -> None:
        self.closed += 1


def watching(gallery: Streams, source: Source, finder: Finder, sinks: Sequence[Sink]) -> Watching:
    return Watching(source, finder, Asking(gallery, "g", None, Patience(60.0, None), lambda _: None), sinks)


def video_of(folder: Path, count: int) -> Source:
    return open_source(str(write_video(folder / "v.avi", numbered(count))), Opening(), lambda _: None)


async def test_frames_come_out_in_order_though_answers_overtake_and_a_bounded_number_is_in_flight(
    tmp_path: Path,
) -> None:
    held: list[StreamItem] = []
    most = 0

    def behave(item: StreamItem) -> list[StreamAnswer]:
        nonlocal most
        held.append(item)
        most = max(most, len(held))
        if len(held) < 4 and item.item_id != "frame-20":
            return []
        due = [answer(each) for each in reversed(held)]
        held.clear()
        return due

    sink, steps = Kept(), list[int]()
    run = watching(Answering(behave), video_of(tmp_path, 21), WholePicture(), [sink])
    await run.run(steps.append)
    assert [result.frame.number for result in sink.results] == list(range(21))
    assert steps == list(range(1, 22))
    assert 4 <= most <= IN_FLIGHT
    assert (run.counts.frames, run.counts.asked, run.counts.people, run.counts.matched) == (21, 21, 21, 21)
    assert (run.counts.dropped, sink.closed) == (0, 1)


async def test_a_camera_that_is_faster_than_the_gallery_has_its_oldest_frames_dropped() -> None:
    camera, sink = GivenCamera(), Kept()
    gallery = Answering(lambda _: [])
    run = watching(gallery, camera, WholePicture(), [sink])
    for frame in numbered(50):
        camera.give(frame)
    task = asyncio.create_task(run.run(lambda _: None))
    await asyncio.to_thread(camera.waits.wait)
    # all but those in flight, one that waits for a place and two that wait to be looked at
    assert run.counts.dropped >= 50 - IN_FLIGHT - 3
    assert len(gallery.streams[0]) <= IN_FLIGHT
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert camera.closed and sink.closed == 1


async def test_a_frame_without_people_is_shown_and_nobody_is_asked(tmp_path: Path) -> None:
    box = Region(1, 2, 30, 40)
    finder = Sidecar(write_sidecar(tmp_path / "p.jsonl", [[], [box], []]), 10.0)
    gallery, sink = Answering(lambda item: [answer(item)]), Kept()
    await watching(gallery, video_of(tmp_path, 3), finder, [sink]).run(lambda _: None)
    probes = [item for item in gallery.streams[0] if isinstance(item, StreamProbe)]
    assert [probe.image.regions for probe in probes] == [(box,)]
    assert [len(result.people or ()) for result in sink.results] == [0, 1, 0]
    (person,) = sink.results[1].people or ()
    assert (person.identification.candidates[0].distance, person.decision.candidates[0].distance) == (0.1, 0.2)
    assert person.decision.region == box


async def test_a_detected_person_is_followed_and_the_track_ends_when_they_are_gone(tmp_path: Path) -> None:
    class Walks:
        def __init__(self) -> None:
            self.looks = 0

        def people(self, frame: object) -> list[Region]:
            self.looks += 1
            return [Region(10 + self.looks, 5, 30, 80)] if self.looks <= 3 else []

    gallery, sink = Answering(lambda item: [answer(item)]), Kept()
    finder = Detecting(Walks(), IouTracker(patience=1))
    await watching(gallery, video_of(tmp_path, 7), finder, [sink]).run(lambda _: None)
    (items,) = gallery.streams
    assert [item.track_ids if isinstance(item, StreamProbe) else "end" for item in items] == [("t1",)] * 3 + ["end"]
    assert isinstance(items[-1], EndTrack) and items[-1].track_id == "t1"
    assert [track.track_id for track in sink.ends] == ["t1"]


async def test_a_frame_that_is_refused_has_its_reason_and_the_others_their_people(tmp_path: Path) -> None:
    error = InvalidImage("damaged")
    gallery = Answering(
        lambda item: [StreamAnswer(item.item_id, error=error) if item.item_id == "frame-1" else answer(item)]
    )
    sink = Kept()
    run = watching(gallery, video_of(tmp_path, 3), WholePicture(), [sink])
    await run.run(lambda _: None)
    assert [result.error for result in sink.results] == [None, error, None]
    assert run.counts.refused == 1


async def test_what_a_broken_source_gave_is_answered_before_it_is_told(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.avi", numbered(20))
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    sink = Kept()
    source = open_source(str(video), Opening(), lambda _: None)
    with pytest.raises(InvalidSource, match="breaks off"):
        await watching(Answering(lambda item: [answer(item)]), source, WholePicture(), [sink]).run(lambda _: None)
    assert sink.results and all(result.people for result in sink.results)
    assert sink.closed == 1


async def test_one_who_stops_gets_what_was_read(tmp_path: Path) -> None:
    def behave(item: StreamItem) -> list[StreamAnswer]:
        run.stop()
        return [answer(item)]

    sink = Kept()
    run = watching(Answering(behave), video_of(tmp_path, 500), WholePicture(), [sink])
    await run.run(lambda _: None)
    assert 1 <= len(sink.results) < 500
    assert all(result.people for result in sink.results)
    assert sink.closed == 1


async def test_a_sink_that_fails_ends_the_run_with_its_reason(tmp_path: Path) -> None:
    class Full(Kept):
        def show(self, result: Result) -> None:
            raise InvalidParameter("the disk is full")

    sinks = [Full(), Kept()]
    run = watching(Answering(lambda item: [answer(item)]), video_of(tmp_path, 50), WholePicture(), sinks)
    with pytest.raises(InvalidParameter, match="the disk is full"):
        await run.run(lambda _: None)
    assert [sink.closed for sink in sinks] == [1, 1]
