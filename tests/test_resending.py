"""Items over a stream that breaks, is silent, or has answers that are none: sent again, in time, or given up."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from gallery.errors import (
    WORTH_REPEATING,
    DeadlineExceeded,
    GalleryError,
    GalleryNotFound,
    ImageTooLarge,
    InvalidImage,
    Overloaded,
    ServerUnavailable,
    StoreUnavailable,
)
from gallery.resending import Patience, Resending


@dataclass(frozen=True)
class Item:
    item_id: str
    size: int = 1


@dataclass(frozen=True)
class Answer:
    item_id: str
    error: GalleryError | None = None


Server = Callable[[Item], Answer | None]


PATIENT = Patience(60.0, None)


class Exchange(Resending[Item, Answer]):
    """Sends ``items`` to a server that answers one after the other, or not; knows what each stream was given."""

    def __init__(self, items: list[Item], server: Server, patience: Patience = PATIENT) -> None:
        self.streams: list[list[str]] = []
        self.said: list[str] = []
        self.answers: list[Answer] = []
        self.comes_to_an_end = True
        self._items_left = list(items)
        self._server = server
        super().__init__(patience, self.said.append)

    async def _pause(self, seconds: float) -> None:
        assert seconds >= 0.0
        await asyncio.sleep(0)

    async def _stream(self, items: AsyncIterator[Item]) -> AsyncGenerator[Answer, None]:
        self.streams.append([])
        async for item in items:
            self.streams[-1].append(item.item_id)
            answer = self._server(item)
            if answer is not None:
                yield answer

    def add(self, item: Item) -> None:
        self._items_left.append(item)
        self.changed()

    def _has_ended(self) -> bool:
        return self.comes_to_an_end and not self._items_left

    def _next(self) -> Item | None:
        return self._items_left.pop(0) if self._items_left else None

    def _settle(self, item: Item, answer: Answer) -> None:
        assert item.item_id == answer.item_id
        self.answers.append(answer)

    def _refusal(self, item_id: str, error: GalleryError) -> Answer:
        return Answer(item_id, error)

    def _size(self, item: Item) -> int:
        return item.size

    @property
    def answered(self) -> list[str]:
        return [answer.item_id for answer in self.answers]


def some(count: int) -> list[Item]:
    return [Item(str(number)) for number in range(count)]


def well(item: Item) -> Answer:
    return Answer(item.item_id)


async def test_every_item_is_answered_once_over_one_stream() -> None:
    exchange = Exchange(some(20), well)
    await exchange.exchange()
    assert exchange.answered == [str(number) for number in range(20)]
    assert len(exchange.streams) == 1 and exchange.said == []


async def test_what_comes_later_is_waited_for() -> None:
    exchange = Exchange([], well)
    exchange.comes_to_an_end = False
    running = asyncio.create_task(exchange.exchange())
    for item in some(3):
        await asyncio.sleep(0)
        exchange.add(item)
    exchange.comes_to_an_end = True
    exchange.changed()
    await running
    assert exchange.answered == ["0", "1", "2"]
    assert len(exchange.streams) == 1


async def test_what_had_no_answer_when_the_stream_broke_is_sent_again_and_it_is_said() -> None:
    def breaking(item: Item) -> Answer | None:
        if len(exchange.streams) == 1:
            if item.item_id == "2":
                raise ServerUnavailable("gone")
            return well(item) if item.item_id == "0" else None
        if len(exchange.streams) == 2:
            raise ServerUnavailable("still gone")
        return well(item)

    exchange = Exchange(some(5), breaking)
    await exchange.exchange()
    assert exchange.answered == ["0", "1", "2", "3", "4"]
    assert exchange.streams == [["0", "1", "2"], ["1"], ["1", "2", "3", "4"]]
    assert len(exchange.said) == 2
    assert exchange.said[0] == "trying again: still gone" and "answers come again" in exchange.said[1]


@pytest.mark.parametrize("kind", WORTH_REPEATING)
async def test_an_item_that_may_go_well_later_is_sent_again(kind: type[GalleryError]) -> None:
    error = kind("full", retry_after=0.1) if issubclass(kind, Overloaded) else kind("gone")

    def at_first(item: Item) -> Answer:
        return Answer(item.item_id, error if len(exchange.streams) == 1 else None)

    exchange = Exchange(some(2), at_first)
    await exchange.exchange()
    assert [answer.error for answer in exchange.answers] == [None, None]


async def test_what_was_sent_beside_it_is_answered_first_and_nothing_new_is_sent() -> None:
    class Together(Exchange):
        """Its server answers when nothing more comes; of the first three it does not answer the first."""

        async def _stream(self, items: AsyncIterator[Item]) -> AsyncGenerator[Answer, None]:
            self.streams.append(sent := [])
            async for item in items:
                sent.append(item.item_id)
                if sent == ["0", "1", "2"]:
                    self.add(Item("new"))
                    yield Answer("0", StoreUnavailable("silence"))
            for item_id in sent:
                if len(sent) < 3 or item_id != "0":
                    yield Answer(item_id)

    exchange = Together(some(3), well)
    await exchange.exchange()
    assert exchange.streams == [["0", "1", "2"], ["0", "new"]]
    assert exchange.answered == ["1", "2", "0", "new"]


async def test_an_item_that_fails_for_good_fails_alone() -> None:
    bad = InvalidImage("damaged")
    exchange = Exchange(some(3), lambda item: Answer(item.item_id, bad if item.item_id == "1" else None))
    await exchange.exchange()
    assert [answer.error for answer in exchange.answers] == [None, bad, None]


async def test_what_no_repetition_mends_is_raised_at_once() -> None:
    def refuse(_: Item) -> Answer:
        raise GalleryNotFound("no such gallery")

    exchange = Exchange(some(1), refuse)
    with pytest.raises(GalleryNotFound):
        await exchange.exchange()
    assert len(exchange.streams) == 1


async def test_a_server_that_stays_away_is_given_up_after_the_time_for_it() -> None:
    def gone(_: Item) -> Answer:
        raise ServerUnavailable("gone")

    with pytest.raises(ServerUnavailable, match="gone"):
        await Exchange(some(1), gone, Patience(60.0, 0.0)).exchange()


async def test_a_server_that_is_silent_is_left_and_asked_again() -> None:
    class Silent(Exchange):
        async def _stream(self, items: AsyncIterator[Item]) -> AsyncGenerator[Answer, None]:
            if len(self.streams) < 2:
                self.streams.append([(await anext(items)).item_id])
                await asyncio.get_running_loop().create_future()
            async for answer in super()._stream(items):
                yield answer

    exchange = Silent(some(1), well, Patience(0.01, None))
    await exchange.exchange()
    assert exchange.answered == ["0"]


async def test_a_server_that_stays_silent_is_given_up() -> None:
    class Silent(Exchange):
        async def _stream(self, items: AsyncIterator[Item]) -> AsyncGenerator[Answer, None]:
            async for _ in items:
                await asyncio.get_running_loop().create_future()
                yield Answer("never")

    with pytest.raises(DeadlineExceeded, match=r"nothing was answered within 0\.01 s"):
        await Silent(some(1), well, Patience(0.01, 0.0)).exchange()


async def test_a_stream_that_ends_before_its_time_is_a_break() -> None:
    class Short(Exchange):
        async def _stream(self, items: AsyncIterator[Item]) -> AsyncGenerator[Answer, None]:
            if not self.streams:
                self.streams.append([(await anext(items)).item_id])
                return
            async for answer in super()._stream(items):
                yield answer

    exchange = Short(some(2), well)
    await exchange.exchange()
    assert exchange.answered == ["0", "1"]
    assert exchange.said[0] == "trying again: the server ended the stream"


async def test_an_item_that_the_server_does_not_even_receive_is_refused_alone() -> None:
    def receive(item: Item) -> Answer:
        if item.size > 10:
            raise ImageTooLarge("larger than max")
        return well(item)

    exchange = Exchange([Item("0"), Item("1", size=11), Item("2")], receive)
    await exchange.exchange()
    errors = {answer.item_id: type(answer.error) for answer in exchange.answers}
    assert errors == {"0": type(None), "1": ImageTooLarge, "2": type(None)}


async def test_one_who_stops_does_not_wait_for_a_server_that_is_away() -> None:
    def gone(_: Item) -> Answer:
        exchange.stop()
        raise ServerUnavailable("gone")

    exchange = Exchange(some(1), gone)
    with pytest.raises(ServerUnavailable):
        await exchange.exchange()
    assert len(exchange.streams) == 1
