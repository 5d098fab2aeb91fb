"""The use case of bulk enrolment, on a store in memory and an embedder that hashes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from gallery.domain import (
    BulkItem,
    BulkResult,
    Embedded,
    EncodedImage,
    Lane,
    OnConflict,
    Policy,
    Quality,
    Region,
    Template,
    TemplateInfo,
)
from gallery.errors import (
    EnrolmentConflict,
    GalleryError,
    GalleryNotFound,
    InvalidIdentifier,
    InvalidImage,
    InvalidRegion,
    StoreUnavailable,
)
from gallery.matching import cosine_distance
from gallery.model_card import ModelCard
from gallery.ports import Embedder
from gallery.use_cases import GalleryUseCases
from gallery.use_cases.unstored import Unstored
from tests.fakes import MemoryStore
from tests.stores.samples import make_template, unit

CARD = ModelCard(name="hash", digest="0" * 64, height=32, width=16, dimension=16, threshold=0.3)
GOOD = Quality(width=16, height=32, sharpness=1.0, brightness=0.5, contrast=0.5, strangeness=None)


class HashEmbedder(Embedder):
    """Embeds equal contents, up to a '+', alike and others apart; refuses ``bad``; knows what it was asked."""

    def __init__(self) -> None:
        self.embedded: list[bytes] = []
        self._more = asyncio.Event()
        self.lanes: set[Lane] = set()
        self.running = asyncio.Event()
        self.running.set()

    @property
    def card(self) -> ModelCard:
        return CARD

    async def embed(self, image: EncodedImage, lane: Lane = Lane.UNARY) -> tuple[Embedded, ...]:
        self.lanes.add(lane)
        self.embedded.append(image.content)
        self._more.set()
        await self.running.wait()
        if image.content == b"bad":
            raise InvalidImage("it is bad")
        seed = int.from_bytes(hashlib.sha256(image.content.partition(b"+")[0]).digest()[:8], "big")
        return (Embedded(None, unit(seed), CARD.digest, GOOD),)

    async def asked(self, count: int) -> None:
        """Wait until so many were asked for."""
        while len(self.embedded) < count:
            self._more.clear()
            await self._more.wait()


class WatchedStore(MemoryStore):
    """Notes the size of each group it is asked for, and does not answer writes or lookups while it is ``silent``."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[int] = []
        self.looked_up: list[int] = []
        self.silent = False
        self.writing = asyncio.Event()
        self.writing.set()

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None:
        await self.writing.wait()
        if self.silent:
            raise StoreUnavailable("silence")
        self.written.append(len(templates))
        await super().put(gallery_id, templates)

    async def find(self, gallery_id: str, template_ids: Sequence[UUID]) -> list[TemplateInfo]:
        self.looked_up.append(len(template_ids))
        return await super().find(gallery_id, template_ids)


@dataclass
class Bench:
    """A gallery 'lobby' and what it stands on."""

    use_cases: GalleryUseCases
    embedder: HashEmbedder
    store: WatchedStore

    async def enrol(self, items: Iterable[BulkItem | BulkResult]) -> dict[str, BulkResult]:
        return {result.item_id: result async for result in self.use_cases.bulk_enroll("lobby", given(items))}

    async def count(self) -> int:
        return len(await self.store.scan("lobby", after=None, limit=10**9))


@pytest.fixture
async def bench() -> Bench:
    embedder, store = HashEmbedder(), WatchedStore()
    use_cases = GalleryUseCases(embedder, store, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    await use_cases.create_gallery("lobby", policy=Policy(on_conflict=OnConflict.ACCEPT))
    return Bench(use_cases, embedder, store)


def item(number: int | str, identity_id: str = "ann", content: bytes | None = None) -> BulkItem:
    return BulkItem(str(number), identity_id, EncodedImage(str(number).encode() if content is None else content))


async def given(items: Iterable[BulkItem | BulkResult]) -> AsyncIterator[BulkItem | BulkResult]:
    for each in items:
        yield each


def error_of(result: BulkResult) -> GalleryError:
    assert result.error is not None
    return result.error


def created(result: BulkResult) -> bool:
    assert result.template is not None, result.error
    return result.template.created


async def test_every_item_is_answered_once_and_enrolled_as_enroll_would(bench: Bench) -> None:
    results = await bench.enrol(item(number, f"person-{number % 7}") for number in range(100))
    assert sorted(map(int, results)) == list(range(100))
    assert all(created(result) for result in results.values())
    assert await bench.count() == 100
    again = await bench.use_cases.enroll("lobby", "person-3", [item(3).image])
    assert [enrolled.template for enrolled in again.templates] == [
        result.template.template for result in results.values() if result.item_id == "3" and result.template
    ]
    assert bench.embedder.lanes == {Lane.BULK}


async def test_what_is_known_is_not_embedded_again(bench: Bench) -> None:
    first = await bench.enrol(item(number) for number in range(10))
    again = await bench.enrol(item(number) for number in range(12))
    assert sorted(bench.embedder.embedded) == sorted(str(number).encode() for number in range(12))
    assert [created(again[str(number)]) for number in (9, 10)] == [False, True]
    assert again["9"].template is not None and first["9"].template is not None
    assert again["9"].template.template == first["9"].template.template


async def test_what_is_wrong_with_an_item_is_its_answer_alone(bench: Bench) -> None:
    image = EncodedImage(b"x", (Region(0, 0, 1, 1), Region(1, 1, 1, 1)))
    refused = BulkResult("before", error=InvalidRegion("empty"))
    results = await bench.enrol(
        [item(1), item("bad", content=b"bad"), item("nobody", ""), BulkItem("two", "ann", image), item("i" * 257),
         refused, item(2)]
    )  # fmt: skip
    kinds = {item_id[:6]: type(result.error) for item_id, result in results.items() if result.error is not None}
    assert kinds == {
        "bad": InvalidImage, "nobody": InvalidIdentifier, "two": InvalidRegion, "i" * 6: InvalidIdentifier,
        "before": InvalidRegion,
    }  # fmt: skip
    assert created(results["1"]) and created(results["2"])
    assert await bench.count() == 2


async def test_equal_items_in_flight_are_embedded_once_and_one_of_them_creates(bench: Bench) -> None:
    items = [item(number, content=b"same") for number in range(20)]
    results = await bench.enrol([*items, item("other", "bob", b"same")])
    assert sorted(bench.embedder.embedded) == [b"same", b"same"]
    assert sum(created(result) for result in results.values()) == 2
    assert created(results["other"])
    bad = await bench.enrol(item(number, content=b"bad") for number in range(20))
    assert {type(result.error) for result in bad.values()} == {InvalidImage}
    assert len(bench.embedder.embedded) == 3


async def test_items_of_one_id_are_answered_each(bench: Bench) -> None:
    items = [replace(item(number), item_id="same") for number in range(5)]
    answers = [result async for result in bench.use_cases.bulk_enroll("lobby", given(items))]
    assert [created(result) for result in answers] == [True] * 5


async def test_the_store_is_asked_in_groups(bench: Bench) -> None:
    bench.store.writing.clear()
    bench.embedder.running.clear()
    results = asyncio.ensure_future(bench.enrol(item(number) for number in range(200)))
    await bench.embedder.asked(200)
    bench.embedder.running.set()
    await asyncio.sleep(0)
    bench.store.writing.set()
    assert len(await results) == 200
    assert len(bench.store.written) < 20
    assert len(bench.store.looked_up) < 20


async def test_a_silent_store_refuses_the_items_it_keeps_waiting_and_the_stream_goes_on(bench: Bench) -> None:
    bench.store.silent = True
    ended = asyncio.Event()

    async def items() -> AsyncIterator[BulkItem]:
        for number in range(10):
            yield item(number)
        await ended.wait()
        yield item("after")

    refused = []
    async for result in bench.use_cases.bulk_enroll("lobby", items()):
        if result.item_id == "after":
            assert created(result)
            continue
        refused.append(result)
        assert isinstance(result.error, StoreUnavailable)
        if len(refused) == 10:
            bench.store.silent = False
            ended.set()
    assert len(refused) == 10
    assert await bench.count() == 1
    assert all(created(result) for result in (await bench.enrol(item(number) for number in range(10))).values())


async def test_nothing_is_answered_before_it_is_written(bench: Bench) -> None:
    bench.store.writing.clear()
    async with aclosing(bench.use_cases.bulk_enroll("lobby", given([item(1)]))) as answers:
        first = asyncio.ensure_future(anext(answers))
        await bench.embedder.asked(1)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not first.done()
        bench.store.writing.set()
        assert created(await first)
        assert await bench.count() == 1


async def test_a_gallery_that_is_not_there_is_said_before_anything_is_read(bench: Bench) -> None:
    untouched = given([item(1)])
    with pytest.raises(GalleryNotFound):
        async for _ in bench.use_cases.bulk_enroll("nowhere", untouched):
            pass
    assert await anext(untouched) == item(1)


async def test_a_gallery_that_goes_away_ends_it(bench: Bench) -> None:
    async def items() -> AsyncIterator[BulkItem]:
        yield item(1)
        await bench.use_cases.delete_gallery("lobby")
        yield item(2)

    with pytest.raises(GalleryNotFound):
        async for _ in bench.use_cases.bulk_enroll("lobby", items()):
            pass


@pytest.mark.parametrize("policy", [OnConflict.WARN, OnConflict.REFUSE])
async def test_a_conflict_with_an_image_on_its_way_into_the_store_is_seen(bench: Bench, policy: OnConflict) -> None:
    await bench.use_cases.update_gallery("lobby", policy=Policy(on_conflict=policy))
    bench.store.writing.clear()  # so that neither is in the store when the other is compared

    async def items() -> AsyncIterator[BulkItem]:
        yield item(1, "ann", b"face+1")
        yield item(2, "bob", b"face+2")
        await bench.embedder.asked(2)
        bench.store.writing.set()

    results = {result.item_id: result async for result in bench.use_cases.bulk_enroll("lobby", items())}
    assert created(results["1"])
    if policy is OnConflict.REFUSE:
        assert isinstance(error_of(results["2"]), EnrolmentConflict)
        assert await bench.count() == 1
    else:
        second = results["2"].template
        assert second is not None
        ((conflict,),) = (second.conflicts,)
        assert (conflict.identity_id, conflict.own_distance) == ("ann", None)
        assert conflict.distance == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("size", "most"), [(0, 256), (2**23 - 16, 8), (2**26, 1)])
async def test_no_more_is_taken_than_there_is_room_for(bench: Bench, size: int, most: int) -> None:
    bench.store.writing.clear()
    taken = 0

    async def endless() -> AsyncIterator[BulkItem]:
        nonlocal taken
        while True:
            taken += 1
            yield item(taken, content=b"%d+" % taken + (bytes(size) if taken < 20 else b""))

    async with aclosing(bench.use_cases.bulk_enroll("lobby", endless())) as answers:
        first = asyncio.ensure_future(anext(answers))
        await bench.embedder.asked(most)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert len(bench.embedder.embedded) == most
        assert taken <= most + 1  # one may stand at the door
        bench.store.writing.set()
        assert created(await first)


async def test_twenty_thousand_items_are_held_a_few_hundred_at_a_time(bench: Bench) -> None:
    taken = answered = most = 0

    async def items() -> AsyncIterator[BulkItem]:
        nonlocal taken, most
        for number in range(20_000):
            taken += 1
            most = max(most, taken - answered)
            yield item(number, f"person-{number % 100}")

    async for result in bench.use_cases.bulk_enroll("lobby", items()):
        answered += 1
        assert result.error is None
    assert answered == 20_000
    assert await bench.count() == 20_000
    assert most <= 260


async def test_nothing_is_left_running_when_the_caller_leaves(bench: Bench) -> None:
    bench.store.writing.clear()

    async def endless() -> AsyncIterator[BulkItem]:
        number = 0
        while True:
            number += 1
            yield item(number, content=b"bad" if number == 1 else None)

    before = asyncio.all_tasks()
    async with aclosing(bench.use_cases.bulk_enroll("lobby", endless())) as answers:
        await anext(answers)
    assert asyncio.all_tasks() == before
    assert await bench.count() == 0


def test_templates_on_their_way_are_found_until_they_are_taken_out() -> None:
    unstored = Unstored(4)
    assert unstored.near("ann", unit(1)) == ()
    templates = [make_template(name, seed) for seed, name in enumerate(("ann", "ann", "bob", "cid"))]
    for template in templates:
        unstored.add(template)
    by_name = {near.identity_id: near for near in unstored.near("bob", unit(2))}
    distances = [cosine_distance(unit(2), template.embedding) for template in templates]
    other = min((0, 1, 3), key=lambda place: distances[place])
    assert by_name["bob"].distance == pytest.approx(0.0, abs=1e-6)
    assert by_name[templates[other].info.identity_id].distance == pytest.approx(distances[other], abs=1e-6)
    for template in (templates[2], templates[other], templates[2]):
        unstored.discard(template.info.template_id)
    rest = [distances[place] for place in {0, 1, 3} - {other}]
    (near,) = unstored.near("bob", unit(2))
    assert near.distance == pytest.approx(min(rest), abs=1e-6)
    unstored.add(templates[2])
    assert len(unstored.near("bob", unit(2))) == 2
