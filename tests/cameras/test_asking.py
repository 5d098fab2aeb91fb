"""A camera's questions through breaks of the connection: asked again, in time, or given up."""

import asyncio
from collections.abc import Callable

import pytest

from gallery.cameras import Asking, Patience
from gallery.domain import EncodedImage, StreamAnswer, StreamItem, StreamProbe
from gallery.errors import (
    WORTH_REPEATING,
    DeadlineExceeded,
    GalleryNotFound,
    ImageTooLarge,
    InvalidImage,
    Overloaded,
    ServerUnavailable,
    StoreUnavailable,
)
from tests.cameras.stand_ins import Answering, answer

PATIENT = Patience(60.0, None)


def probe(number: int, size: int = 1) -> StreamProbe:
    return StreamProbe(str(number), EncodedImage(b"x" * size))


async def asked(
    gallery: Answering, *items: StreamItem, patience: Patience = PATIENT, tell: Callable[[str], None] = lambda _: None
) -> list[StreamAnswer]:
    queue: asyncio.Queue[StreamItem | None] = asyncio.Queue()
    for item in (*items, None):
        queue.put_nowait(item)
    answers: list[StreamAnswer] = []
    await Asking(gallery, "g", None, patience, tell).run(queue, answers.append)
    return answers


async def test_every_item_is_answered_once() -> None:
    gallery = Answering(lambda item: [answer(item)])
    answers = await asked(gallery, *map(probe, range(20)))
    assert [each.item_id for each in answers] == [str(number) for number in range(20)]
    assert len(gallery.streams) == 1


async def test_what_had_no_answer_when_the_stream_broke_is_asked_again_and_it_is_said() -> None:
    def behave(item: StreamItem) -> list[StreamAnswer]:
        if len(gallery.streams) == 1:
            if item.item_id == "2":
                raise ServerUnavailable("gone")
            return [answer(item)] if item.item_id == "0" else []
        if len(gallery.streams) == 2:
            raise ServerUnavailable("still gone")
        return [answer(item)]

    gallery, told = Answering(behave), list[str]()
    answers = await asked(gallery, *map(probe, range(5)), tell=told.append)
    assert [each.item_id for each in answers] == ["0", "1", "2", "3", "4"]
    assert [item.item_id for item in gallery.streams[2]] == ["1", "2", "3", "4"]
    assert len(told) == 2
    assert "trying again: still gone" in told[0] and "answers come again" in told[1]


@pytest.mark.parametrize("kind", WORTH_REPEATING)
async def test_an_item_that_may_go_well_later_is_asked_again(kind: type[Exception]) -> None:
    error = Overloaded("full", retry_after=0.1) if issubclass(kind, Overloaded) else StoreUnavailable("gone")

    def behave(item: StreamItem) -> list[StreamAnswer]:
        return [StreamAnswer(item.item_id, error=error) if len(gallery.streams) == 1 else answer(item)]

    gallery = Answering(behave)
    answers = await asked(gallery, probe(0), probe(1))
    assert [each.error for each in answers] == [None, None]


async def test_an_item_that_fails_for_good_fails_alone() -> None:
    bad = InvalidImage("damaged")
    gallery = Answering(lambda item: [StreamAnswer("1", error=bad) if item.item_id == "1" else answer(item)])
    answers = await asked(gallery, probe(0), probe(1), probe(2))
    assert [each.error for each in answers] == [None, bad, None]


async def test_what_no_repetition_mends_is_raised_at_once() -> None:
    def behave(_: StreamItem) -> list[StreamAnswer]:
        raise GalleryNotFound("no such gallery")

    gallery = Answering(behave)
    with pytest.raises(GalleryNotFound):
        await asked(gallery, probe(0))
    assert len(gallery.streams) == 1


async def test_a_server_that_stays_away_is_given_up_after_the_time_for_it() -> None:
    def behave(_: StreamItem) -> list[StreamAnswer]:
        raise ServerUnavailable("gone")

    with pytest.raises(ServerUnavailable, match="gone"):
        await asked(Answering(behave), probe(0), patience=Patience(60.0, 0.0))


async def test_a_server_that_is_silent_is_left() -> None:
    class Silent(Answering):
        pass

    waits = asyncio.Event()

    class Waiting(Silent):
        async def identify_stream(self, gallery_id, probes, **options):  # type: ignore[no-untyped-def]
            async for _ in probes:
                await waits.wait()
                yield StreamAnswer("never")

    with pytest.raises(DeadlineExceeded, match="no frame was answered"):
        await asked(Waiting(lambda _: []), probe(0), patience=Patience(0.01, 0.0))


async def test_a_stream_that_ends_before_its_time_is_a_break() -> None:
    class Short(Answering):
        async def identify_stream(self, gallery_id, probes, **options):  # type: ignore[no-untyped-def]
            self.streams.append([])
            async for item in probes:
                if len(self.streams) == 1:
                    return
                yield answer(item)

    gallery = Short(lambda _: [])
    assert [each.item_id for each in await asked(gallery, probe(0), probe(1))] == ["0", "1"]


async def test_a_frame_that_the_server_does_not_even_receive_is_refused_alone() -> None:
    def behave(item: StreamItem) -> list[StreamAnswer]:
        assert isinstance(item, StreamProbe)
        if len(item.image.content) > 10:
            raise ImageTooLarge("larger than max")
        return [answer(item)]

    answers = await asked(Answering(behave), probe(0), probe(1, size=11), probe(2))
    assert {each.item_id: type(each.error) for each in answers} == {
        "0": type(None),
        "1": ImageTooLarge,
        "2": type(None),
    }


async def test_one_who_stops_does_not_wait_for_a_server_that_is_away() -> None:
    def behave(_: StreamItem) -> list[StreamAnswer]:
        asking.stop()
        raise ServerUnavailable("gone")

    queue: asyncio.Queue[StreamItem | None] = asyncio.Queue()
    queue.put_nowait(probe(0))
    asking = Asking(Answering(behave), "g", None, PATIENT, lambda _: None)
    with pytest.raises(ServerUnavailable):
        await asking.run(queue, lambda _: None)
