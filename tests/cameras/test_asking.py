"""A camera's questions on their way to a gallery that answers, refuses and goes away."""

import asyncio

from gallery.cameras import Asking
from gallery.domain import EncodedImage, EndTrack, StreamAnswer, StreamItem, StreamProbe
from gallery.errors import ImageTooLarge, InvalidImage, ServerUnavailable
from gallery.resending import Patience
from tests.cameras.stand_ins import Answering, answer

PATIENT = Patience(60.0, None)


def probe(number: int, size: int = 1) -> StreamProbe:
    return StreamProbe(str(number), EncodedImage(b"x" * size))


async def asked(gallery: Answering, *items: StreamItem) -> list[StreamAnswer]:
    answers: list[StreamAnswer] = []
    asking = Asking(gallery, "g", None, PATIENT, lambda _: None)
    for item in items:
        asking.ask(item)
    asking.end()
    await asking.run(answers.append)
    return answers


async def test_every_item_is_answered_once() -> None:
    gallery = Answering(lambda item: [answer(item)])
    answers = await asked(gallery, *map(probe, range(20)))
    assert [each.item_id for each in answers] == [str(number) for number in range(20)]
    assert len(gallery.streams) == 1


async def test_what_is_asked_later_goes_over_the_same_stream() -> None:
    gallery, answers = Answering(lambda item: [answer(item)]), list[StreamAnswer]()
    asking = Asking(gallery, "g", None, PATIENT, lambda _: None)
    running = asyncio.create_task(asking.run(answers.append))
    for number in range(3):
        await asyncio.sleep(0)
        asking.ask(probe(number))
    asking.end()
    await running
    assert [each.item_id for each in answers] == ["0", "1", "2"]
    assert len(gallery.streams) == 1


async def test_what_had_no_answer_when_the_stream_broke_is_asked_again() -> None:
    def behave(item: StreamItem) -> list[StreamAnswer]:
        if len(gallery.streams) == 1 and item.item_id == "2":
            raise ServerUnavailable("gone")
        return [answer(item)] if len(gallery.streams) == 2 or item.item_id == "0" else []

    gallery = Answering(behave)
    answers = await asked(gallery, *map(probe, range(4)), EndTrack("end", "walker"))
    assert [each.item_id for each in answers] == ["0", "1", "2", "3", "end"]
    assert [item.item_id for item in gallery.streams[1]] == ["1", "2", "3", "end"]


async def test_an_item_that_fails_for_good_fails_alone() -> None:
    bad = InvalidImage("damaged")
    gallery = Answering(lambda item: [StreamAnswer("1", error=bad) if item.item_id == "1" else answer(item)])
    answers = await asked(gallery, probe(0), probe(1), probe(2))
    assert [each.error for each in answers] == [None, bad, None]


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
