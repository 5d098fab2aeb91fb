"""Who goes next: turns between probes, a share for bulk, first come first served within a lane."""

import asyncio
from collections.abc import Iterator
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.domain import EncodedImage, Lane
from gallery.scheduler import BULK_SHARE
from gallery.scheduler.lanes import Job, Lanes


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def jobs(loop: asyncio.AbstractEventLoop, *lanes: Lane) -> list[Job]:
    return [Job(EncodedImage(b""), lane, loop.create_future()) for lane in lanes]


def queued(jobs: list[Job]) -> Lanes:
    lanes = Lanes()
    for job in jobs:
        lanes.put(job)
    return lanes


def test_a_lane_is_served_in_the_order_of_arrival(loop: asyncio.AbstractEventLoop) -> None:
    for lane in Lane:
        waiting = jobs(loop, *[lane] * 5)
        assert list(queued(waiting).take_all()) == waiting


def test_unary_probes_and_streams_take_turns(loop: asyncio.AbstractEventLoop) -> None:
    lanes = queued(jobs(loop, *[Lane.STREAM] * 20, *[Lane.UNARY] * 3))
    picked = [job.lane for job in lanes.take_all()]
    assert picked[:6].count(Lane.UNARY) == 3
    assert [len([*group]) for _, group in groupby(picked[:6])] == [1] * 6


def test_a_probe_that_comes_while_streams_are_served_is_next(loop: asyncio.AbstractEventLoop) -> None:
    lanes = queued(jobs(loop, *[Lane.STREAM] * 9))
    for _ in range(3):
        lanes.take()
    (probe,) = jobs(loop, Lane.UNARY)
    lanes.put(probe)
    assert lanes.take() is probe


def test_bulk_takes_all_that_probes_leave_and_its_share_of_what_they_do_not(loop: asyncio.AbstractEventLoop) -> None:
    lanes = queued(jobs(loop, *[Lane.BULK] * 10, *[Lane.UNARY] * 2 * BULK_SHARE))
    picked = [job.lane for job in lanes.take_all()]
    assert picked[: 2 * BULK_SHARE] == [*[Lane.UNARY] * (BULK_SHARE - 1), Lane.BULK] * 2
    assert picked[-8:] == [Lane.BULK] * 8


@given(st.lists(st.sampled_from([*Lane, None]), max_size=200))
def test_whatever_comes_nobody_is_lost_and_bulk_never_waits_longer_than_its_share(
    loop: asyncio.AbstractEventLoop, course: list[Lane | None]
) -> None:
    lanes, since = Lanes(), 0
    waiting: list[Job] = []
    picked: list[Job] = []
    for lane in course:  # None takes one out
        if lane is not None:
            waiting += (new := jobs(loop, lane))
            lanes.put(new[0])
            continue
        bulk_waited = lanes.waiting(Lane.BULK) > 0
        job = lanes.take()
        assert (job is None) == (len(picked) == len(waiting))
        if job is not None:
            picked.append(job)
            since = since + 1 if bulk_waited and job.lane is not Lane.BULK else 0
            assert since < BULK_SHARE
    picked += lanes.take_all()
    assert len(picked) == len(set(map(id, picked))) == len(waiting)
    for lane in Lane:
        assert [job for job in picked if job.lane is lane] == [job for job in waiting if job.lane is lane]


def test_one_that_gave_up_is_not_counted_and_not_picked(loop: asyncio.AbstractEventLoop) -> None:
    first, second, third = waiting = jobs(loop, *[Lane.STREAM] * 3)
    lanes = queued(waiting)
    lanes.drop(second)
    assert lanes.waiting(Lane.STREAM) == 2
    assert lanes.take() is first
    lanes.drop(first)  # taken already: nothing to forget
    assert [*lanes.take_all()] == [third]
    assert lanes.take() is None
