import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gallery.domain import EncodedImage, EnrolledTemplate, EnrolmentResult, Fusion, Policy, Region, ThresholdSource
from gallery.errors import (
    GalleryAlreadyExists,
    GalleryNotFound,
    IdentityNotFound,
    InvalidIdentifier,
    InvalidImage,
    InvalidParameter,
    InvalidRegion,
    InvalidRequest,
    ModelMismatch,
    TemplateNotFound,
)
from gallery.onnx_embedder import OnnxEmbedder
from gallery.scheduler import Scheduler
from gallery.use_cases import GalleryUseCases
from tests.fakes import MemoryStore
from tests.pictures import png_of


def clock_from(start: datetime) -> Iterator[datetime]:
    while True:
        yield start
        start += timedelta(seconds=1)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def gallery(model_file: Path, store: MemoryStore) -> AsyncIterator[GalleryUseCases]:
    ticks = clock_from(datetime(2026, 1, 1, tzinfo=UTC))
    async with Scheduler(OnnxEmbedder(model_file), workers=2, queue=64) as scheduler:
        use_cases = GalleryUseCases(scheduler, store, clock=lambda: next(ticks))
        await use_cases.create_gallery("lobby")
        yield use_cases


def only(result: EnrolmentResult) -> EnrolledTemplate:
    (enrolled,) = result.templates
    return enrolled


def picture(seed: int) -> EncodedImage:
    return EncodedImage(png_of(seed))


async def test_an_enrolled_person_is_identified_from_the_same_picture_at_distance_zero(
    gallery: GalleryUseCases,
) -> None:
    for person in range(5):
        await gallery.enroll("lobby", f"person-{person}", [picture(person)])
    (answer,) = await gallery.identify("lobby", picture(3))
    assert answer.matched
    assert answer.identity_id == "person-3"
    assert answer.candidates[0].distance == pytest.approx(0.0, abs=1e-6)
    assert [near.distance for near in answer.candidates] == sorted(near.distance for near in answer.candidates)


async def test_enrolling_the_same_image_again_changes_nothing(gallery: GalleryUseCases) -> None:
    first = only(await gallery.enroll("lobby", "ann", [picture(1)]))
    again = only(await gallery.enroll("lobby", "ann", [picture(1)]))
    assert first.created
    assert not again.created
    assert again.template == first.template
    assert len((await gallery.get_identity("lobby", "ann")).templates) == 1


async def test_an_image_given_twice_in_one_enrolment_is_one_template(gallery: GalleryUseCases) -> None:
    one, other = (await gallery.enroll("lobby", "ann", [picture(1), picture(1)])).templates
    assert one.template == other.template
    assert len((await gallery.get_identity("lobby", "ann")).templates) == 1


async def test_the_same_image_of_two_identities_is_two_templates(gallery: GalleryUseCases) -> None:
    one = only(await gallery.enroll("lobby", "ann", [picture(1)]))
    other = only(await gallery.enroll("lobby", "bob", [picture(1)]))
    assert one.template.template_id != other.template.template_id


async def test_two_regions_of_one_frame_are_two_templates(gallery: GalleryUseCases) -> None:
    frame = png_of(1, height=64, width=64)
    left, right = (EncodedImage(frame, (Region(x, 0, 32, 64),)) for x in (0, 32))
    await gallery.enroll("lobby", "ann", [left])
    await gallery.enroll("lobby", "bob", [right])
    both = await gallery.identify("lobby", EncodedImage(frame, (*right.regions, *left.regions)))
    assert [person.identity_id for person in both] == ["bob", "ann"]
    assert [person.region for person in both] == [*right.regions, *left.regions]


FIVE_WITH_ONE_BAD = [picture(1), picture(2), EncodedImage(b"no picture"), picture(3), picture(4)]


async def test_one_bad_image_of_five_is_refused_alone_and_the_four_are_kept(gallery: GalleryUseCases) -> None:
    result = await gallery.enroll("lobby", "ann", FIVE_WITH_ONE_BAD)
    assert [enrolled.index for enrolled in result.templates] == [0, 1, 3, 4]
    (refused,) = result.refused
    assert (refused.index, type(refused.error)) == (2, InvalidImage)
    assert len((await gallery.get_identity("lobby", "ann")).templates) == 4


async def test_all_or_nothing_keeps_nothing_of_five_with_one_bad(gallery: GalleryUseCases) -> None:
    with pytest.raises(InvalidImage):
        await gallery.enroll("lobby", "ann", FIVE_WITH_ONE_BAD, all_or_nothing=True)
    with pytest.raises(IdentityNotFound):
        await gallery.get_identity("lobby", "ann")


async def test_an_enrolment_of_which_every_image_is_bad_is_refused_as_a_whole(gallery: GalleryUseCases) -> None:
    with pytest.raises(InvalidImage):
        await gallery.enroll("lobby", "ann", [EncodedImage(b"no picture"), EncodedImage(b"none either")])


async def test_every_template_carries_the_digest_of_the_model_that_made_it(gallery: GalleryUseCases) -> None:
    enrolled = only(await gallery.enroll("lobby", "ann", [picture(1)]))
    assert enrolled.template.model_digest == (await gallery.get_gallery("lobby")).model_digest


async def test_a_gallery_of_another_model_is_refused_and_not_compared(
    gallery: GalleryUseCases, store: MemoryStore, other_model_file: Path
) -> None:
    await gallery.enroll("lobby", "ann", [picture(1)])
    async with Scheduler(OnnxEmbedder(other_model_file), workers=1, queue=4) as scheduler:
        stranger = GalleryUseCases(scheduler, store)
        with pytest.raises(ModelMismatch, match="not comparable"):
            await stranger.identify("lobby", picture(1))
        with pytest.raises(ModelMismatch):
            await stranger.enroll("lobby", "bob", [picture(2)])
        with pytest.raises(ModelMismatch):
            await stranger.verify_identity("lobby", picture(1), "ann")
        assert (await stranger.delete_identity("lobby", "ann")).template_count == 1  # erasing needs no model


async def test_thresholds_are_taken_from_the_request_then_the_gallery_then_the_model(gallery: GalleryUseCases) -> None:
    await gallery.create_gallery("strict", threshold=0.0)
    for gallery_id, requested, source, value in [
        ("lobby", None, ThresholdSource.MODEL, 0.3),
        ("strict", None, ThresholdSource.GALLERY, 0.0),
        ("strict", 0.7, ThresholdSource.REQUEST, 0.7),
        ("lobby", 0.0, ThresholdSource.REQUEST, 0.0),
    ]:
        (answer,) = await gallery.identify(gallery_id, picture(1), threshold=requested)
        assert (answer.basis.threshold_source, answer.basis.threshold) == (source, value)


async def test_enough_identities_are_found_behind_one_with_very_many_templates(gallery: GalleryUseCases) -> None:
    base = np.random.default_rng(0).integers(0, 256, (32, 16, 3), dtype=np.uint8)
    crowd = []
    for number in range(60):
        base[0, 0, 0] = number
        crowd.append(EncodedImage(png_of(base)))
    await gallery.enroll("lobby", "many", crowd)
    await gallery.enroll("lobby", "ann", [picture(1)])
    await gallery.enroll("lobby", "bob", [picture(2)])
    (answer,) = await gallery.identify("lobby", crowd[0], max_candidates=3)
    assert sorted(near.identity_id for near in answer.candidates) == ["ann", "bob", "many"]


async def test_nobody_in_the_gallery_is_an_answer(gallery: GalleryUseCases) -> None:
    (answer,) = await gallery.identify("lobby", picture(1))
    assert (answer.matched, answer.candidates) == (False, ())


async def test_verify_by_the_best_template_compares_with_the_nearest(gallery: GalleryUseCases) -> None:
    await gallery.update_gallery("lobby", policy=Policy(fusion=Fusion.BEST))
    await gallery.enroll("lobby", "ann", [picture(1), picture(2)])
    await gallery.enroll("lobby", "bob", [picture(3)])
    assert (await gallery.verify_identity("lobby", picture(2), "ann")).distance == pytest.approx(0.0, abs=1e-6)
    other = await gallery.verify_identity("lobby", picture(3), "ann", threshold=0.0)
    assert not other.matched
    assert other.distance > 0.01


async def test_verify_compares_two_images_without_any_gallery(gallery: GalleryUseCases) -> None:
    assert (await gallery.verify_images(picture(1), picture(1))).matched
    lent = await gallery.verify_images(picture(1), picture(2), gallery_id="lobby")
    assert lent.basis.threshold_source is ThresholdSource.MODEL


async def test_embed_gives_a_unit_vector_for_each_region(gallery: GalleryUseCases) -> None:
    frame = EncodedImage(png_of(1, height=64, width=64), (Region(0, 0, 32, 64), Region(32, 0, 32, 64)))
    embedded = await gallery.embed(frame)
    assert [person.region for person in embedded] == list(frame.regions)
    for person in embedded:
        assert np.linalg.norm(person.embedding) == pytest.approx(1.0, abs=1e-5)


async def test_an_erased_identity_is_not_found_any_more(gallery: GalleryUseCases) -> None:
    await gallery.enroll("lobby", "ann", [picture(1), picture(2)])
    assert (await gallery.delete_identity("lobby", "ann")).template_count == 2
    with pytest.raises(IdentityNotFound):
        await gallery.delete_identity("lobby", "ann")
    assert not (await gallery.identify("lobby", picture(1)))[0].candidates


async def test_an_identity_ends_with_its_last_template(gallery: GalleryUseCases) -> None:
    enrolled = only(await gallery.enroll("lobby", "ann", [picture(1)]))
    await gallery.delete_template("lobby", enrolled.template.template_id)
    with pytest.raises(IdentityNotFound):
        await gallery.get_identity("lobby", "ann")
    with pytest.raises(TemplateNotFound):
        await gallery.delete_template("lobby", enrolled.template.template_id)


async def test_pages_show_every_identity_once_and_end(gallery: GalleryUseCases) -> None:
    names = {f"person {number}" for number in range(7)}
    for number, name in enumerate(sorted(names)):
        await gallery.enroll("lobby", name, [picture(number)])
    seen: list[str] = []
    token = ""
    while True:
        page = await gallery.list_identities("lobby", page_size=3, page_token=token)
        seen += [summary.identity_id for summary in page.items]
        token = page.next_page_token
        if not token:
            break
    assert seen == sorted(names)


@pytest.mark.parametrize("gallery_id", ["", "Lobby", "../x", "a" * 64, "-a", "ä"])
async def test_gallery_ids_that_could_leave_their_folder_are_refused(gallery: GalleryUseCases, gallery_id: str) -> None:
    with pytest.raises(InvalidIdentifier):
        await gallery.create_gallery(gallery_id)
    with pytest.raises(InvalidIdentifier):
        await gallery.identify(gallery_id, picture(1))


@pytest.mark.parametrize("identity_id", ["", "x" * 257, "line\nbreak", "\x00"])
async def test_identity_ids_nobody_could_read_are_refused(gallery: GalleryUseCases, identity_id: str) -> None:
    with pytest.raises(InvalidIdentifier):
        await gallery.enroll("lobby", identity_id, [picture(1)])


@pytest.mark.parametrize("threshold", [-0.01, 2.01, float("nan"), float("inf")])
async def test_a_threshold_that_is_no_cosine_distance_is_refused(gallery: GalleryUseCases, threshold: float) -> None:
    with pytest.raises(InvalidParameter):
        await gallery.identify("lobby", picture(1), threshold=threshold)
    with pytest.raises(InvalidParameter):
        await gallery.create_gallery("other", threshold=threshold)


async def test_what_cannot_be_done_is_refused_with_a_reason(gallery: GalleryUseCases) -> None:
    frame = EncodedImage(png_of(1), (Region(0, 0, 4, 4), Region(4, 4, 4, 4)))
    for refusal, call in [
        (GalleryAlreadyExists, gallery.create_gallery("lobby")),
        (GalleryNotFound, gallery.identify("nowhere", picture(1))),
        (GalleryNotFound, gallery.delete_gallery("nowhere")),
        (IdentityNotFound, gallery.verify_identity("lobby", picture(1), "nobody")),
        (TemplateNotFound, gallery.delete_template("lobby", uuid.uuid4())),
        (InvalidRequest, gallery.enroll("lobby", "ann", [])),
        (InvalidRequest, gallery.enroll("lobby", "ann", [picture(1)] * 65)),
        (InvalidRegion, gallery.enroll("lobby", "ann", [frame])),
        (InvalidRegion, gallery.verify_images(frame, picture(1))),
        (InvalidParameter, gallery.identify("lobby", picture(1), max_candidates=101)),
        (InvalidParameter, gallery.list_identities("lobby", page_size=0)),
        (InvalidParameter, gallery.list_identities("lobby", page_token="not a token!")),
    ]:
        with pytest.raises(refusal):
            await call
