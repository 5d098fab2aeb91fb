"""The client that people import, sync and asyncio, on a real server."""

import inspect
import io
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import cv2
import numpy as np
import pytest

import gallery
from gallery import AsyncGalleryClient, GalleryClient
from gallery.client import ImageLike
from gallery.domain import BulkItem, BulkResult, EncodedImage, Region, StreamAnswer, StreamItem, ThresholdSource
from gallery.errors import (
    GalleryAlreadyExists,
    GalleryError,
    GalleryNotFound,
    IdentityNotFound,
    InvalidIdentifier,
    InvalidImage,
    InvalidParameter,
    InvalidRegion,
    InvalidRequest,
    TemplateNotFound,
)
from gallery.use_cases import GalleryUseCases
from tests.pictures import png_of

OWN_METHODS = {"with_timeout", "close", "annotate", "iter_identities"}
FOR_THE_SERVER = {"open_stream"}
TAKEN_AS = {
    EncodedImage: ImageLike,
    Sequence[EncodedImage]: Sequence[ImageLike],
    AsyncIterable[BulkItem | BulkResult]: AsyncIterable[BulkItem],
}
SYNCHRONOUS = {
    AsyncIterable[BulkItem | BulkResult]: Iterable[BulkItem],
    AsyncGenerator[BulkResult, None]: Generator[BulkResult, None, None],
    AsyncIterable[StreamItem]: Iterable[StreamItem],
    AsyncGenerator[StreamAnswer, None]: Generator[StreamAnswer, None, None],
}


@pytest.fixture
def lobby(client: GalleryClient) -> str:
    name = f"lobby-{uuid4().hex}"
    client.create_gallery(name)
    return name


def public_methods(kind: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(method)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("kind", [GalleryClient, AsyncGalleryClient])
def test_a_client_has_the_methods_of_the_use_cases_with_their_parameters_and_answers(kind: type) -> None:
    of_client, of_use_cases = public_methods(kind), public_methods(GalleryUseCases)
    taken_as = TAKEN_AS | (SYNCHRONOUS if kind is GalleryClient else {})
    assert set(of_client) - OWN_METHODS == set(of_use_cases) - FOR_THE_SERVER
    for name in set(of_client) - OWN_METHODS:
        found, expected = of_client[name], of_use_cases[name]
        assert [(each.name, each.kind, each.default) for each in found.parameters.values()] == [
            (each.name, each.kind, each.default) for each in expected.parameters.values()
        ], name
        assert found.return_annotation == taken_as.get(expected.return_annotation, expected.return_annotation), name
        for parameter in expected.parameters.values():
            wanted = taken_as.get(parameter.annotation, parameter.annotation)
            assert found.parameters[parameter.name].annotation == wanted, (name, parameter.name)


def test_people_are_enrolled_identified_verified_and_erased(client: GalleryClient, lobby: str) -> None:
    for person in range(3):
        (enrolled,) = client.enroll(lobby, f"person-{person}", [png_of(person)]).templates
        assert enrolled.created
    assert not client.enroll(lobby, "person-0", [png_of(0)]).templates[0].created

    (answer,) = client.identify(lobby, png_of(1), max_candidates=2)
    assert (answer.matched, answer.identity_id, len(answer.candidates)) == (True, "person-1", 2)
    assert answer.basis.threshold_source is ThresholdSource.MODEL
    assert client.verify_identity(lobby, png_of(2), "person-2").matched
    apart = client.verify_images(png_of(1), png_of(2), gallery_id=lobby, threshold=0.0)
    assert (apart.matched, apart.basis.threshold_source) == (False, ThresholdSource.REQUEST)
    (embedded,) = client.embed(png_of(1))
    assert np.linalg.norm(embedded.embedding) == pytest.approx(1.0, abs=1e-5)

    (template,) = client.get_identity(lobby, "person-0").templates
    client.delete_template(lobby, template.template_id)
    assert client.delete_identity(lobby, "person-1").template_count == 1
    assert [each.identity_id for each in client.list_identities(lobby).items] == ["person-2"]
    assert client.get_gallery(lobby) in client.list_galleries(page_size=1000).items
    assert client.delete_gallery(lobby).template_count == 1


async def test_the_asyncio_client_does_the_same(address: str, tmp_path: Path) -> None:
    picture = tmp_path / "one.png"
    picture.write_bytes(png_of(1))
    async with AsyncGalleryClient(address, timeout=30.0) as client:
        name = (await client.create_gallery(f"hall-{uuid4().hex}", threshold=0.5)).gallery_id
        for person in range(3):
            await client.enroll(name, f"person-{person}", [png_of(person)])
        (answer,) = await client.identify(name, picture)
        assert (answer.identity_id, answer.basis.threshold) == ("person-1", 0.5)
        assert (await client.verify_identity(name, io.BytesIO(png_of(2)), "person-2")).matched
        assert (await client.verify_images(png_of(1), png_of(1))).distance == pytest.approx(0.0, abs=1e-6)
        assert len(await client.embed(EncodedImage(png_of(1), (Region(0, 0, 8, 8), Region(4, 4, 8, 8))))) == 2
        assert [each.identity_id async for each in client.iter_identities(name, page_size=2)] == [
            f"person-{person}" for person in range(3)
        ]
        (template,) = (await client.get_identity(name, "person-0")).templates
        await client.delete_template(name, template.template_id)
        assert (await client.delete_identity(name, "person-1")).template_count == 1
        assert len((await client.list_identities(name)).items) == 1
        assert name in [each.gallery_id for each in (await client.list_galleries(page_size=1000)).items]
        threshold = (await client.get_gallery(name)).threshold
        assert threshold is not None and (threshold.value, threshold.version) == (0.5, 1)
        drawn = await client.annotate(name, picture)
        assert drawn.dtype == np.uint8
        assert (await client.delete_gallery(name)).template_count == 1
        with pytest.raises(GalleryNotFound):
            await client.get_gallery(name)


def test_a_picture_may_be_a_path_bytes_a_stream_or_an_array_of_named_colour_order(
    client: GalleryClient, lobby: str, tmp_path: Path
) -> None:
    content = png_of(5)
    path = tmp_path / "five.png"
    path.write_bytes(content)
    bgr = np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    client.enroll(lobby, "five", [content])
    for source in (
        path,
        str(path),
        io.BytesIO(content),
        gallery.image(path),
        gallery.image(bgr, array_order="BGR"),
        gallery.image(np.ascontiguousarray(bgr[..., ::-1]), array_order="RGB"),
    ):
        assert client.verify_identity(lobby, source, "five").distance == pytest.approx(0.0, abs=1e-5)
    assert client.verify_identity(lobby, gallery.image(bgr, array_order="RGB"), "five").distance > 0.01


def test_an_array_without_a_colour_order_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="BGR"):
        gallery.image(np.zeros((8, 8, 3), np.uint8))


def test_a_file_that_is_not_there_is_refused_before_anything_is_sent(client: GalleryClient, lobby: str) -> None:
    with pytest.raises(InvalidImage, match=r"nowhere\.jpg"):
        client.identify(lobby, "nowhere.jpg")


def test_regions_are_answered_in_their_order(client: GalleryClient, lobby: str) -> None:
    regions = (Region(0, 0, 8, 16), Region(8, 0, 8, 16))
    answers = client.identify(lobby, gallery.image(png_of(1), regions))
    assert [answer.region for answer in answers] == list(regions)
    assert all(not answer.matched and answer.candidates == () for answer in answers)


def test_annotate_draws_into_an_array_and_a_file(client: GalleryClient, lobby: str, tmp_path: Path) -> None:
    client.enroll(lobby, "five", [png_of(5)])
    output = tmp_path / "seen.png"
    drawn = client.annotate(lobby, png_of(5, height=200, width=100), output=output)
    written = cv2.cvtColor(np.asarray(cv2.imread(str(output)), np.uint8), cv2.COLOR_BGR2RGB)
    assert np.array_equal(drawn, written)
    plain = cv2.imdecode(np.frombuffer(png_of(5, height=200, width=100), np.uint8), cv2.IMREAD_COLOR)
    assert plain is not None
    assert drawn.shape[1] >= 100 and not np.array_equal(drawn, plain[..., ::-1])


def test_all_identities_are_listed_over_pages(client: GalleryClient, lobby: str) -> None:
    for person in range(5):
        client.enroll(lobby, f"person-{person}", [png_of(person)])
    names = [each.identity_id for each in client.iter_identities(lobby, page_size=2)]
    assert names == [f"person-{person}" for person in range(5)]


REFUSALS: list[tuple[type[GalleryError], Any]] = [
    (GalleryNotFound, lambda client, name: client.get_gallery("nobody-made-this")),
    (GalleryAlreadyExists, lambda client, name: client.create_gallery(name)),
    (InvalidIdentifier, lambda client, name: client.create_gallery("Not An Id")),
    (InvalidIdentifier, lambda client, name: client.enroll(name, "", [png_of(1)])),
    (InvalidRequest, lambda client, name: client.enroll(name, "someone", [])),
    (InvalidRequest, lambda client, name: client.enroll(name, "\ud800", [png_of(1)])),
    (InvalidImage, lambda client, name: client.identify(name, b"no picture")),
    (InvalidImage, lambda client, name: client.identify(name, b"")),
    (InvalidRegion, lambda client, name: client.identify(name, EncodedImage(png_of(1), (Region(999, 0, 5, 5),)))),
    (InvalidRequest, lambda client, name: client.identify(name, EncodedImage(png_of(1), (Region(2**40, 0, 5, 5),)))),
    (InvalidParameter, lambda client, name: client.identify(name, png_of(1), threshold=float("nan"))),
    (InvalidParameter, lambda client, name: client.identify(name, png_of(1), threshold=2.5)),
    (InvalidParameter, lambda client, name: client.identify(name, png_of(1), max_candidates=0)),
    (InvalidParameter, lambda client, name: client.identify(name, png_of(1), max_candidates=101)),
    (InvalidParameter, lambda client, name: client.list_identities(name, page_size=0)),
    (InvalidParameter, lambda client, name: client.list_identities(name, page_token="never given out")),
    (InvalidRequest, lambda client, name: client.list_galleries(page_size=2**40)),
    (InvalidIdentifier, lambda client, name: client.verify_images(png_of(1), png_of(1), gallery_id="")),
    (IdentityNotFound, lambda client, name: client.verify_identity(name, png_of(1), "stranger")),
    (IdentityNotFound, lambda client, name: client.delete_identity(name, "stranger")),
    (TemplateNotFound, lambda client, name: client.delete_template(name, UUID(int=7))),
]


@pytest.mark.parametrize(("kind", "call"), REFUSALS)
def test_a_refusal_arrives_as_the_exception_it_was(
    client: GalleryClient, lobby: str, kind: type[GalleryError], call: Any
) -> None:
    with pytest.raises(kind):
        call(client, lobby)
    assert client.get_gallery(lobby).gallery_id == lobby


def test_one_client_serves_many_threads(client: GalleryClient, lobby: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        for enrolled in threads.map(lambda person: client.enroll(lobby, f"p{person}", [png_of(person)]), range(24)):
            assert enrolled.templates[0].created
        answers = threads.map(lambda person: client.identify(lobby, png_of(person))[0].identity_id, range(24))
        assert list(answers) == [f"p{person}" for person in range(24)]


def test_images_and_matching_are_imported_without_grpc() -> None:
    check = "import sys, gallery.images, gallery.matching; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
