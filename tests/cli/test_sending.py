"""Rows on their way to a gallery that breaks, is silent, or refuses what cannot be mended."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from gallery.cli.bulk.outcome import Outcome, Result
from gallery.cli.bulk.preparing import Ready
from gallery.cli.bulk.row import Row
from gallery.cli.bulk.sending import Bulk, Sending
from gallery.cli.exits import Exit, exit_code_of
from gallery.domain import BulkItem, BulkResult, EncodedImage, EnrolledTemplate, TemplateInfo
from gallery.errors import (
    WORTH_REPEATING,
    GalleryError,
    ImageTooLarge,
    InvalidImage,
    ModelMismatch,
    ServerUnavailable,
    StoreUnavailable,
)
from gallery.resending import Patience

Answer = Callable[[BulkItem], GalleryError | None]


def enrolled(item: BulkItem, created: bool) -> BulkResult:
    info = TemplateInfo(uuid4(), item.identity_id, "m", "d", datetime.now(UTC))
    return BulkResult(item.item_id, EnrolledTemplate(0, info, created))


class Flaky(Bulk):
    """Enrols, remembers what, and lets ``answer`` say what is wrong with an item; ``streams`` counts the streams."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.streams = 0
        self.kept: set[bytes] = set()
        self.given = 0

    async def bulk_enroll(self, gallery_id: str, items: AsyncIterable[BulkItem]) -> AsyncGenerator[BulkResult, None]:
        self.streams += 1
        async for item in items:
            self.given += 1
            error = self.answer(item)
            if isinstance(error, ServerUnavailable | ImageTooLarge | ModelMismatch):
                raise error
            if error is not None:
                yield BulkResult(item.item_id, error=error)
                continue
            created = item.image.content not in self.kept
            self.kept.add(item.image.content)
            yield enrolled(item, created)


def ready(number: int, size: int = 0) -> Ready:
    content = b"%d" % number + bytes(size)
    return Ready(Row(f"row {number}", Path(f"{number}.jpg"), "ann"), EncodedImage(content), UUID(int=number))


LONG = Patience(60.0, 60.0)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_self: Sending, _seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(Sending, "_pause", at_once)


async def sent(
    bulk: Bulk, rows: list[Ready | Outcome], patience: Patience = LONG
) -> tuple[list[Outcome], GalleryError | None]:
    outcomes: list[Outcome] = []
    return outcomes, await Sending(bulk, "lobby", iter(rows), patience, outcomes.append).run()


def results(outcomes: list[Outcome]) -> dict[str, Result]:
    assert len({outcome.row.source for outcome in outcomes}) == len(outcomes)
    return {outcome.row.source: outcome.result for outcome in outcomes}


async def test_what_was_prepared_is_sent_and_what_was_decided_is_told() -> None:
    refused = Outcome(ready(99).row, Result.REFUSED, error=InvalidImage("bad"))
    outcomes, gave_up = await sent(Flaky(lambda item: None), [*map(ready, range(9)), refused])
    assert gave_up is None
    assert list(results(outcomes).values()).count(Result.CREATED) == 9
    assert results(outcomes)["row 99"] is Result.REFUSED


async def test_a_stream_that_breaks_is_opened_again_and_every_row_has_one_outcome() -> None:
    seen = 0

    def breaks(item: BulkItem) -> GalleryError | None:
        nonlocal seen
        seen += 1
        return ServerUnavailable("gone") if seen % 7 == 0 else None

    bulk = Flaky(breaks)
    outcomes, gave_up = await sent(bulk, [ready(number) for number in range(100)])
    assert gave_up is None
    assert bulk.streams > 10
    assert len(results(outcomes)) == 100 == len(bulk.kept)
    assert set(results(outcomes).values()) <= {Result.CREATED, Result.KNOWN}


async def test_a_silent_store_is_tried_again_until_it_answers() -> None:
    silences = iter([StoreUnavailable("silence")] * 50)
    bulk = Flaky(lambda item: next(silences, None))
    outcomes, gave_up = await sent(bulk, [ready(number) for number in range(300)])
    assert gave_up is None
    assert set(results(outcomes).values()) == {Result.CREATED}
    assert len(outcomes) == 300


async def test_it_gives_up_when_nothing_helps_for_too_long_and_says_which_rows_are_left() -> None:
    bulk = Flaky(lambda item: StoreUnavailable("silence") if item.image.content != b"0" else None)
    outcomes, gave_up = await sent(bulk, [ready(number) for number in range(1000)], Patience(60.0, 0.0))
    assert isinstance(gave_up, StoreUnavailable)
    told = results(outcomes)
    assert told.pop("row 0") is Result.CREATED
    assert set(told.values()) == {Result.UNAVAILABLE}
    assert len(told) <= 256  # the rest was not even read


async def test_a_message_that_the_server_does_not_receive_is_refused_alone() -> None:
    def too_large(item: BulkItem) -> GalleryError | None:
        return ImageTooLarge("too large") if len(item.image.content) > 1000 else None

    outcomes, gave_up = await sent(Flaky(too_large), [ready(n, 2000 if n in (3, 7) else 0) for n in range(10)])
    assert gave_up is None
    told = results(outcomes)
    assert {source for source, result in told.items() if result is Result.REFUSED} == {"row 3", "row 7"}
    assert len(told) == 10


async def test_what_no_repetition_mends_ends_it() -> None:
    outcomes: list[Outcome] = []
    bulk = Flaky(lambda item: ModelMismatch("another model") if item.image.content == b"5" else None)
    with pytest.raises(ModelMismatch):
        await Sending(bulk, "lobby", iter(map(ready, range(100))), LONG, outcomes.append).run()
    assert bulk.streams == 1
    assert results(outcomes)["row 5"] is Result.UNAVAILABLE


async def test_stopping_waits_for_what_is_under_way_and_sends_nothing_new() -> None:
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == 20:
            work.stop()

    bulk = Flaky(lambda item: None)
    work = Sending(bulk, "lobby", (ready(number) for number in range(10**9)), LONG, tell)
    assert await work.run() is None
    assert len(outcomes) == len(bulk.kept) < 300
    assert set(results(outcomes).values()) == {Result.CREATED}


@pytest.mark.parametrize(("size", "most"), [(0, 256), (2**23, 8)])
async def test_no_more_is_held_than_there_is_room_for(size: int, most: int) -> None:
    held: list[BulkItem] = []
    enough = asyncio.Event()

    class Hoarding(Bulk):
        async def bulk_enroll(
            self, gallery_id: str, items: AsyncIterable[BulkItem]
        ) -> AsyncGenerator[BulkResult, None]:
            async for item in items:
                held.append(item)
                if len(held) >= most:
                    enough.set()
            if held:
                raise ModelMismatch("over")
            yield BulkResult("never")

    work = Sending(Hoarding(), "lobby", (ready(number, size) for number in range(10**9)), LONG, lambda outcome: None)
    running = asyncio.create_task(work.run())
    await enough.wait()
    for _ in range(200):
        await asyncio.sleep(0)
    assert len(held) == most
    work.stop()
    with pytest.raises(ModelMismatch):
        await running


@pytest.mark.parametrize("kind", WORTH_REPEATING)
def test_what_is_worth_repeating_is_what_an_exit_code_calls_unavailable(kind: type[GalleryError]) -> None:
    assert exit_code_of(kind.__new__(kind)) is Exit.UNAVAILABLE
