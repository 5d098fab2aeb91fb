"""BulkEnroll on a real server, through both clients: what is enrolled, what is refused alone, what goes on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest

from gallery import AsyncGalleryClient, GalleryClient
from gallery.domain import BulkItem, BulkResult, Context, EncodedImage, Region
from gallery.errors import (
    GalleryError,
    GalleryNotFound,
    ImageTooLarge,
    InvalidIdentifier,
    InvalidImage,
    InvalidRegion,
    InvalidRequest,
    ServerUnavailable,
)
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub
from gallery.wire import bulk
from gallery.wire.status import error_of_call
from tests.pictures import png_of
from tests.served import served, settings_for

TOO_LARGE = b"\x89PNG\r\n\x1a\n" + bytes(11 * 2**20)


@pytest.fixture
def lobby(client: GalleryClient) -> str:
    return client.create_gallery(f"lobby-{uuid4().hex}").gallery_id


def item(number: int, identity_id: str | None = None, content: bytes | None = None) -> BulkItem:
    picture = EncodedImage(png_of(number) if content is None else content)
    return BulkItem(f"item-{number}", f"person-{number}" if identity_id is None else identity_id, picture)


def by_item(results: Iterator[BulkResult]) -> dict[str, BulkResult]:
    return {result.item_id: result for result in results}


def test_a_bulk_is_enrolled_and_its_people_are_found(client: GalleryClient, lobby: str) -> None:
    results = by_item(client.bulk_enroll(lobby, (item(number) for number in range(60))))
    assert len(results) == 60
    for number in range(60):
        template = results[f"item-{number}"].template
        assert template is not None and template.created and template.quality is not None
        assert client.get_identity(lobby, f"person-{number}").templates == (template.template,)
    assert client.identify(lobby, png_of(7))[0].candidates[0].identity_id == "person-7"
    again = by_item(client.bulk_enroll(lobby, [item(7)]))["item-7"].template
    assert again is not None and not again.created
    assert not client.enroll(lobby, "person-7", [png_of(7)]).templates[0].created


def test_what_is_wrong_fails_alone_in_the_middle(client: GalleryClient, lobby: str) -> None:
    def items() -> Iterator[BulkItem]:
        yield item(1)
        yield item(2, content=TOO_LARGE)
        yield item(3, content=b"no picture")
        yield item(4, identity_id="")
        yield BulkItem("item-5", "ann", EncodedImage(png_of(5), (Region(0, 0, 4, 4), Region(0, 0, 5, 5))))
        yield BulkItem("item-6", "ann", EncodedImage(png_of(6), (Region(900, 0, 4, 4),)))
        yield BulkItem("item-7", "ann", EncodedImage(png_of(7), (Region(2, 2, 9, 9),), Context.of("door")))
        yield from (item(number) for number in range(8, 20))

    results = by_item(client.bulk_enroll(lobby, items()))
    refused = {item_id: type(result.error) for item_id, result in results.items() if result.error is not None}
    assert refused == {
        "item-2": ImageTooLarge,
        "item-3": InvalidImage,
        "item-4": InvalidIdentifier,
        "item-5": InvalidRegion,
        "item-6": InvalidRegion,
    }
    assert len(results) == 19
    kept = results["item-7"].template
    assert kept is not None
    assert (kept.template.region, kept.template.context.camera_id) == (Region(2, 2, 9, 9), "door")


def test_items_of_one_id_are_each_answered(client: GalleryClient, lobby: str) -> None:
    items = [BulkItem("same", f"person-{number}", EncodedImage(png_of(number))) for number in range(9)]
    results = [result.template for result in client.bulk_enroll(lobby, items)]
    assert {result.template.identity_id for result in results if result} == {f"person-{n}" for n in range(9)}


async def test_the_asyncio_client_enrols_in_bulk_while_its_items_still_come(address: str, lobby: str) -> None:
    answered: list[str] = []
    some = asyncio.Event()

    async def items() -> AsyncIterator[BulkItem]:
        for number in range(20):
            if number == 10:
                await some.wait()
            yield item(number)

    async with AsyncGalleryClient(address, timeout=60.0) as client:
        async for result in client.bulk_enroll(lobby, items()):
            assert result.template is not None
            answered.append(result.item_id)
            if len(answered) == 10:
                some.set()
        assert len((await client.list_identities(lobby)).items) == len(answered) == 20


@pytest.mark.parametrize(
    ("gallery_id", "error"), [("nowhere", GalleryNotFound), ("No Id", InvalidIdentifier)]
)  # fmt: skip
def test_a_gallery_that_does_not_do_is_said(client: GalleryClient, gallery_id: str, error: type[GalleryError]) -> None:
    with pytest.raises(error):
        list(client.bulk_enroll(gallery_id, (item(number) for number in count())))


def test_what_the_items_raise_comes_after_the_answers_that_are_due(client: GalleryClient, lobby: str) -> None:
    def items() -> Iterator[BulkItem]:
        yield item(1)
        raise LookupError("no more")

    results = []
    with pytest.raises(LookupError, match="no more"):
        for result in client.bulk_enroll(lobby, items()):
            results.append(result.item_id)
    assert results == ["item-1"]


MESSAGES: dict[str, list[pb.BulkEnrollRequest]] = {
    "an item without options": [bulk.item_message(item(1))],
    "an empty message": [pb.BulkEnrollRequest()],
    "options twice": [bulk.options_message("GALLERY"), bulk.options_message("GALLERY")],
    "an empty message in the middle": [bulk.options_message("GALLERY"), pb.BulkEnrollRequest()],
}


@pytest.mark.parametrize("case", MESSAGES)
def test_a_stream_of_the_wrong_form_is_refused(address: str, lobby: str, case: str) -> None:
    messages = [bulk.options_message(lobby) if message.HasField("options") else message for message in MESSAGES[case]]
    with grpc.insecure_channel(address) as channel:
        stub: Any = GalleryServiceStub(channel)
        with pytest.raises(grpc.RpcError) as raised:
            list(stub.BulkEnroll(iter(messages), timeout=60))
    assert type(error_of_call(raised.value)) is InvalidRequest


def test_an_empty_region_is_refused_alone(address: str, lobby: str) -> None:
    good, bad = (bulk.item_message(item(number)) for number in (1, 2))
    bad.item.image.regions.add(x=1, y=1)
    with grpc.insecure_channel(address) as channel:
        stub: Any = GalleryServiceStub(channel)
        responses = list(stub.BulkEnroll(iter([bulk.options_message(lobby), bad, good]), timeout=60))
    results = by_item(bulk.read_result(response) for response in responses)
    assert isinstance(results["item-2"].error, InvalidRegion)
    assert results["item-1"].template is not None


def test_a_client_that_sends_and_never_reads_or_vanishes_hurts_nobody(
    address: str, client: GalleryClient, lobby: str
) -> None:
    sent = 0

    def endless() -> Iterator[BulkItem]:
        nonlocal sent
        for number in count():
            sent += 1
            yield item(number, content=png_of(number) + bytes(2**16))

    with GalleryClient(address, timeout=60.0) as careless, closing(careless.bulk_enroll(lobby, endless())) as results:
        next(results)
        assert client.identify(lobby, png_of(1))[0].candidates
        stalled, before = 0, -1
        while stalled < 3:  # it is read no further once the server holds what it may
            stalled, before = (stalled + 1 if sent == before else 0), sent
            client.embed(png_of(1))
    assert sent < 5000
    assert by_item(client.bulk_enroll(lobby, [item(0)]))["item-0"].template is not None


def test_what_is_stored_is_stored_when_the_server_stops(tmp_path: Path, model_file: Path) -> None:
    settings = settings_for(tmp_path, model_file)
    answered: list[str] = []
    with ExitStack() as open_, served(settings) as address:
        client = open_.enter_context(GalleryClient(address, timeout=60.0))
        client.create_gallery("lobby")
        results = client.bulk_enroll("lobby", (item(number) for number in count()))
        answered += [next(results).item_id for _ in range(50)]
        reading = ThreadPoolExecutor(1).submit(lambda: answered.extend(result.item_id for result in results))
    with pytest.raises(ServerUnavailable):  # that it is stopping, or that the connection is gone: whichever came first
        reading.result(timeout=60)
    with served(settings) as address, GalleryClient(address, timeout=60.0) as client:
        enrolled = {summary.identity_id for summary in client.iter_identities("lobby", page_size=1000)}
    assert {f"person-{name.removeprefix('item-')}" for name in answered} <= enrolled
