"""Streams over an embedder that finishes when a test lets it: what overtakes, what waits its turn, what fails alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from gallery.domain import (
    Embedded,
    EncodedImage,
    EndTrack,
    Lane,
    Outcome,
    Policy,
    Quality,
    QualityLimits,
    StreamAnswer,
    StreamItem,
    StreamProbe,
)
from gallery.errors import GalleryNotFound, InvalidImage, InvalidParameter
from gallery.model_card import ModelCard
from gallery.onnx_embedder import OnnxEmbedder
from gallery.ports import Embedder
from gallery.use_cases import GalleryUseCases
from tests.fakes import MemoryStore
from tests.tiny_model import DIMENSION


class HeldEmbedder(Embedder):
    """Embeds an image's content, "x:y:sharpness", once the test has let it go."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card
        self._gates: dict[bytes, asyncio.Event] = {}

    @property
    def card(self) -> ModelCard:
        return self._card

    def let_go(self, content: bytes) -> None:
        self._gates.setdefault(content, asyncio.Event()).set()

    async def embed(self, image: EncodedImage, lane: Lane = Lane.UNARY) -> tuple[Embedded, ...]:
        assert lane is Lane.STREAM
        await self._gates.setdefault(image.content, asyncio.Event()).wait()
        if image.content == b"bad":
            raise InvalidImage("no picture")
        x, y, sharpness = map(float, image.content.split(b":"))
        vector = np.zeros(DIMENSION, np.float32)
        vector[:2] = np.array([x, y]) / np.hypot(x, y)
        quality = Quality(64, 128, sharpness, brightness=0.5, contrast=1.0)
        return (Embedded(None, vector, self._card.digest, quality),)


@pytest.fixture
def embedder(model_file: Path) -> HeldEmbedder:
    return HeldEmbedder(OnnxEmbedder(model_file).card)


@pytest.fixture
async def gallery(embedder: HeldEmbedder) -> GalleryUseCases:
    use_cases = GalleryUseCases(embedder, MemoryStore())
    await use_cases.create_gallery("lobby", policy=Policy(probe_quality=QualityLimits(min_sharpness=0.2)))
    return use_cases


def probe(item_id: str, content: bytes, *track_ids: str) -> StreamProbe:
    return StreamProbe(item_id, EncodedImage(content), track_ids)


async def given(*items: StreamItem) -> AsyncIterator[StreamItem]:
    for item in items:
        yield item


async def test_images_of_a_track_count_in_the_order_they_were_sent(
    gallery: GalleryUseCases, embedder: HeldEmbedder
) -> None:
    items = [probe(str(n), f"1:{n}:1".encode(), "t") for n in range(4)]
    answers = []
    async with aclosing(gallery.identify_stream("lobby", given(*items, EndTrack("end", "t")))) as stream:
        reading = asyncio.ensure_future(anext(stream))
        for n in (3, 2, 1):  # these are embedded first, and wait for the one that was sent first
            embedder.let_go(f"1:{n}:1".encode())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not reading.done()
        embedder.let_go(b"1:0:1")
        answers = [await reading, *[answer async for answer in stream]]
    assert [answer.item_id for answer in answers] == ["0", "1", "2", "3", "end"]
    assert [answer.tracks[0].image_count for answer in answers] == [1, 2, 3, 4, 4]


async def test_tracks_do_not_wait_for_each_other(gallery: GalleryUseCases, embedder: HeldEmbedder) -> None:
    items: list[StreamItem]
    items = [probe("slow", b"1:0:1", "one"), probe("quick", b"0:1:1", "two"), EndTrack("end", "two")]
    seen = []
    embedder.let_go(b"0:1:1")
    async for answer in gallery.identify_stream("lobby", given(*items)):
        seen.append(answer.item_id)
        if answer.item_id == "end":
            embedder.let_go(b"1:0:1")
    assert seen == ["quick", "end", "slow"]


async def test_a_bad_image_of_a_track_lets_the_next_one_through(
    gallery: GalleryUseCases, embedder: HeldEmbedder
) -> None:
    for content in (b"bad", b"1:0:1"):
        embedder.let_go(content)
    items: list[StreamItem]
    items = [probe("1", b"bad", "t"), probe("2", b"1:0:1", "t"), EndTrack("end", "t")]
    answers = {answer.item_id: answer async for answer in gallery.identify_stream("lobby", given(*items))}
    assert isinstance(answers["1"].error, InvalidImage)
    assert answers["2"].tracks[0].image_count == 1
    assert answers["end"].tracks[0].image_count == 1


async def test_a_track_of_rejected_images_is_rejected_and_rests_on_nothing(
    gallery: GalleryUseCases, embedder: HeldEmbedder
) -> None:
    for content in (b"1:0:0.1", b"1:0:1"):
        embedder.let_go(content)
    items = [probe("blurred", b"1:0:0.1", "t"), probe("sharp", b"1:0:1", "t"), probe("again", b"1:0:0.1", "t")]
    answers = {answer.item_id: answer async for answer in gallery.identify_stream("lobby", given(*items))}
    told = [answers[each].tracks[0] for each in ("blurred", "sharp", "again")]
    assert [(each.identification.outcome, each.image_count) for each in told] == [
        (Outcome.REJECTED, 0),
        (Outcome.NO_MATCH, 1),
        (Outcome.NO_MATCH, 1),
    ]
    assert answers["again"].identifications[0].outcome is Outcome.REJECTED


async def test_an_item_id_is_free_again_once_it_is_answered(gallery: GalleryUseCases, embedder: HeldEmbedder) -> None:
    answers: list[StreamAnswer] = []
    sent = asyncio.Event()

    async def items() -> AsyncIterator[StreamItem]:
        yield probe("same", b"1:0:1")
        yield probe("same", b"0:1:1")
        await sent.wait()
        yield probe("same", b"1:0:1")

    async for answer in gallery.identify_stream("lobby", items()):
        answers.append(answer)
        embedder.let_go(b"1:0:1")
        if len(answers) == 2:
            sent.set()
    assert [type(answer.error) for answer in answers] == [InvalidParameter, type(None), type(None)]


async def test_an_unknown_gallery_ends_the_stream_before_an_item_is_taken(gallery: GalleryUseCases) -> None:
    taken = []

    async def items() -> AsyncIterator[StreamItem]:
        taken.append("one")
        yield probe("one", b"1:0:1")

    with pytest.raises(GalleryNotFound):
        await anext(gallery.identify_stream("nowhere", items()))
    assert not taken
