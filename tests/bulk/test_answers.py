"""What becomes of each item of a bulk enrolment, and what ends it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gallery.domain import BulkItem, BulkResult, EncodedImage, Lane, OnConflict, Policy, Region
from gallery.errors import (
    EnrolmentConflict,
    GalleryError,
    GalleryNotFound,
    InvalidIdentifier,
    InvalidImage,
    InvalidRegion,
)
from tests.bulk.bench import Bench, created, given, item


def error_of(result: BulkResult) -> GalleryError:
    assert result.error is not None
    return result.error


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


async def test_an_image_that_was_refused_refuses_no_other(bench: Bench) -> None:
    await bench.enrol([item("first", "ann", b"face")])
    await bench.use_cases.update_gallery("lobby", policy=Policy(on_conflict=OnConflict.REFUSE))
    wrong, right, other = item(1, "bob", b"face+1"), item(2, "ann", b"face+2"), item(3, "cid", b"another")
    results = await bench.enrol([wrong, right, other])
    assert isinstance(error_of(results["1"]), EnrolmentConflict)
    assert created(results["2"]) and created(results["3"])
    assert await bench.count() == 3
