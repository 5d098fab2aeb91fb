"""Clocks that jump back and forth: nothing is erased early, nobody waits for a negative time, and nothing is lost."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from gallery.access.buckets import TokenBucket
from gallery.audit import AuditLog, Event, Where, find, verify
from gallery.domain import EncodedImage, Policy, StreamItem, StreamProbe
from gallery.errors import StoreCorrupt
from gallery.onnx_embedder import OnnxEmbedder
from gallery.scheduler import Scheduler
from gallery.use_cases import Caretaker, GalleryUseCases, TrustedClock
from gallery.use_cases.trusted_clock import PATIENCE, TOLERANCE
from tests.chaos.scale import SEEDS
from tests.fakes import MemoryStore
from tests.pictures import png_of

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
JUMPS = [timedelta(days=-4000), timedelta(days=-1), timedelta(hours=-1), timedelta(hours=3), timedelta(days=4000)]


class Time:
    """What passes, and what a wall clock says of it that is wrong by ``error``."""

    def __init__(self) -> None:
        self.passed = timedelta()
        self.error = timedelta()

    @property
    def true(self) -> datetime:
        return START + self.passed

    def wall(self) -> datetime:
        return self.true + self.error

    def steady(self) -> float:
        return self.passed.total_seconds()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def gallery(model_file: Path, store: MemoryStore, time: Time) -> AsyncIterator[GalleryUseCases]:
    async with Scheduler(OnnxEmbedder(model_file), workers=1, queue=64) as scheduler:
        gallery = GalleryUseCases(scheduler, store, None, time.wall)
        await gallery.create_gallery("lobby", policy=Policy(template_lifetime=timedelta(hours=5)))
        yield gallery


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_cannot_be_taken_back_is_never_done_ahead_of_time_while_the_clock_jumps(seed: int) -> None:
    dice, time = Random(seed), Time()
    clock = TrustedClock(time.wall, time.steady)
    for _ in range(300):
        time.error = dice.choice([jump for jump in (timedelta(), *JUMPS) if jump != time.error])
        for _ in range(dice.randint(1, 55)):  # minutes, fewer than a jump must last
            time.passed += timedelta(minutes=1)
            assert clock() <= time.true + TOLERANCE
    time.error = timedelta()
    for _ in range(2):
        time.passed += PATIENCE
        clock()
    assert clock() == time.true  # and it has not lost its way


def test_a_jump_that_lasts_is_believed_after_an_hour_and_a_small_one_at_once(time: Time) -> None:
    clock = TrustedClock(time.wall, time.steady)
    time.error = timedelta(minutes=4)
    assert clock() == time.wall()
    time.error = timedelta(days=2)
    assert clock() == START + timedelta(minutes=4)
    for _ in range(59):
        time.passed += timedelta(minutes=1)
        assert clock() == time.true + timedelta(minutes=4)
    time.passed += timedelta(minutes=1)
    assert clock() == time.wall()


async def test_nobody_is_erased_by_a_clock_that_jumps_ahead_and_all_are_in_time(
    gallery: GalleryUseCases, store: MemoryStore, time: Time
) -> None:
    caretaker = Caretaker(gallery, store, TrustedClock(time.wall, time.steady))
    await gallery.enroll("lobby", "ann", [EncodedImage(png_of(1))])
    for jump in JUMPS:
        time.error = jump
        time.passed += timedelta(minutes=30)
        await caretaker.walk()
        assert await store.count_identities("lobby") == 1
    time.error = timedelta()
    assert len((await gallery.list_identities("lobby")).items) == 1
    time.passed = timedelta(hours=5) + PATIENCE
    await caretaker.walk()
    time.passed += PATIENCE
    await caretaker.walk()
    assert await store.count_identities("lobby") == 0


async def test_a_gallery_that_cannot_be_read_does_not_keep_the_others_from_care(
    gallery: GalleryUseCases, store: MemoryStore, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gallery.create_gallery("broken")
    await gallery.enroll("lobby", "ann", [EncodedImage(png_of(1))])
    erase = store.delete_expired

    async def or_fail(gallery_id: str, now: datetime) -> int:
        if gallery_id == "broken":
            raise StoreCorrupt("a file of it is not what was written there")
        return await erase(gallery_id, now)

    monkeypatch.setattr(store, "delete_expired", or_fail)
    time.passed = timedelta(hours=6)
    await Caretaker(gallery, store, time.wall).walk()
    assert await store.count_identities("lobby") == 0


async def test_a_track_and_a_listing_go_on_whatever_the_clock_says(gallery: GalleryUseCases, time: Time) -> None:
    for person in range(4):
        await gallery.enroll("lobby", f"person-{person}", [EncodedImage(png_of(person))])

    async def probes() -> AsyncIterator[StreamItem]:
        for number, jump in enumerate([timedelta(), *JUMPS]):
            time.error = jump
            yield StreamProbe(str(number), EncodedImage(png_of(1)), ("visitor",))

    answers = [answer async for answer in gallery.identify_stream("lobby", probes())]
    assert max(answer.tracks[0].image_count for answer in answers) == 1 + len(JUMPS)
    time.error, token, names = timedelta(), "", []
    for jump in (timedelta(), timedelta(days=-4000), timedelta(hours=-1), timedelta()):
        time.error = jump
        page = await gallery.list_identities("lobby", page_size=1, page_token=token)
        names += [each.identity_id for each in page.items]
        token = page.next_page_token
    assert names == [f"person-{person}" for person in range(4)]


async def test_the_audit_log_is_whole_and_in_order_whatever_the_clock_says(tmp_path: Path, time: Time) -> None:
    log = AuditLog(tmp_path, clock=time.wall)
    for number, jump in enumerate([timedelta(), *JUMPS, timedelta()]):
        time.error = jump
        await log.commit(Event("Enroll", "somebody", details={"number": str(number)}))
    await log.close()
    assert verify(tmp_path).broken is None
    told = [entry.event.details["number"] for entry in find(tmp_path, Where(call="Enroll"))]
    assert told == [str(number) for number in range(len(JUMPS) + 2)]


def test_a_rate_never_asks_for_a_negative_wait(time: Time) -> None:
    bucket, dice = TokenBucket(10.0, 5, time.steady), Random(1)
    for _ in range(1000):
        time.passed += timedelta(seconds=dice.choice([0, 0, 0, 0.01, 0.1, 86_400]))
        assert 0.0 <= dice.choice([bucket.take, bucket.reserve])() < 1000
