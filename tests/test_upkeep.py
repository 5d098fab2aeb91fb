"""Calibrated decisions through the use cases: outcomes, policy, context, expiry, conflicts, merge, split, care."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gallery.domain import (
    Cohort,
    Context,
    EncodedImage,
    Fusion,
    OnConflict,
    Outcome,
    Policy,
    QualityLimits,
    QualityReason,
    TemplateFilter,
    ThresholdOrigin,
    ThresholdSource,
)
from gallery.errors import (
    ChangeNotFound,
    EnrolmentConflict,
    IdentityNotFound,
    InvalidParameter,
    InvalidRequest,
    ModelMismatch,
    NotEnoughEvidence,
    PoorQuality,
    StoreUnavailable,
    TemplateNotFound,
)
from gallery.onnx_embedder import OnnxEmbedder
from gallery.scheduler import Scheduler
from gallery.server import every
from gallery.use_cases import Caretaker, GalleryUseCases
from tests.fakes import MemoryStore
from tests.pictures import png_of
from tests.tiny_model import DIMENSION

START = datetime(2026, 1, 1, tzinfo=UTC)
RANDOM = np.random.default_rng(5)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def gallery(model_file: Path, store: MemoryStore, clock: Clock) -> AsyncIterator[GalleryUseCases]:
    network = OnnxEmbedder(model_file)
    vectors = RANDOM.normal(size=(900, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cohort = Cohort(network.card.digest, vectors, tuple(f"stranger {row // 2}" for row in range(900)))
    async with Scheduler(network, workers=2, queue=64) as scheduler:
        use_cases = GalleryUseCases(scheduler, store, cohort, clock)
        await use_cases.create_gallery("lobby")
        yield use_cases


def picture(seed: int, context: Context | None = None) -> EncodedImage:
    return EncodedImage(png_of(seed)) if context is None else EncodedImage(png_of(seed), context=context)


async def enroll_people(gallery: GalleryUseCases, people: int, images: int = 1, first: int = 0) -> None:
    for person in range(first, first + people):
        pictures = [picture(1000 * image + person) for image in range(images)]
        await gallery.enroll("lobby", f"person-{person:03}", pictures)


# Outcomes


async def test_two_identities_within_the_threshold_and_the_margin_are_ambiguous_and_not_true(
    gallery: GalleryUseCases, store: MemoryStore
) -> None:
    await gallery.enroll("lobby", "ann", [picture(1)])
    await gallery.enroll("lobby", "anna", [picture(1)])
    before = await gallery.update_gallery("lobby", pinned_threshold=0.3)
    (threshold,) = before.thresholds
    await store.update_gallery(replace(before, thresholds=(replace(threshold, margin=0.05),)), replacing=before)
    (answer,) = await gallery.identify("lobby", picture(1), max_candidates=1)
    assert (answer.outcome, answer.matched, answer.identity_id) == (Outcome.AMBIGUOUS, False, None)
    assert answer.margin == pytest.approx(0.0, abs=1e-6)
    assert len(answer.candidates) == 1


async def test_a_probe_that_breaks_the_limits_is_rejected_with_its_reasons(gallery: GalleryUseCases) -> None:
    await gallery.enroll("lobby", "ann", [picture(1)])
    limits = QualityLimits(min_height=33)
    await gallery.update_gallery("lobby", policy=Policy(probe_quality=limits))
    (answer,) = await gallery.identify("lobby", picture(1))
    assert (answer.outcome, answer.matched) == (Outcome.REJECTED, False)
    assert answer.quality.reasons == (QualityReason.TOO_SMALL,)
    verified = await gallery.verify_identity("lobby", picture(1), "ann")
    assert (verified.outcome, verified.matched) == (Outcome.REJECTED, False)


async def test_a_picture_that_breaks_the_limits_of_enrolment_is_refused_and_one_that_keeps_them_is_not(
    gallery: GalleryUseCases,
) -> None:
    await gallery.update_gallery("lobby", policy=Policy(enrolment_quality=QualityLimits(min_height=33)))
    large = EncodedImage(png_of(1, height=64, width=32))
    result = await gallery.enroll("lobby", "ann", [picture(1), large])
    assert [refused.index for refused in result.refused] == [0]
    assert isinstance(result.refused[0].error, PoorQuality)
    assert [enrolled.index for enrolled in result.templates] == [1]


@pytest.mark.parametrize("fusion", Fusion)
async def test_every_fusion_rule_finds_the_person(gallery: GalleryUseCases, fusion: Fusion) -> None:
    await enroll_people(gallery, 6, images=4)
    await gallery.update_gallery("lobby", policy=Policy(fusion=fusion))
    (answer,) = await gallery.identify("lobby", picture(1003), threshold=2.0, max_candidates=3)
    assert len({near.identity_id for near in answer.candidates}) == 3
    assert [near.distance for near in answer.candidates] == sorted(near.distance for near in answer.candidates)
    own = await gallery.verify_identity("lobby", picture(1003), "person-003", threshold=2.0)
    by_rank = {near.identity_id: near.distance for near in answer.candidates}
    assert by_rank.get("person-003", own.distance) == pytest.approx(own.distance, abs=1e-6)


# Thresholds


async def test_a_pinned_threshold_is_applied_to_the_next_call_and_counted_as_a_version(
    gallery: GalleryUseCases,
) -> None:
    for version, value in ((1, 0.2), (2, 0.4)):
        await gallery.update_gallery("lobby", pinned_threshold=value)
        (answer,) = await gallery.identify("lobby", picture(1))
        assert (answer.basis.threshold, answer.basis.threshold_version) == (value, version)
        assert answer.basis.threshold_source is ThresholdSource.GALLERY
    await gallery.update_gallery("lobby", model_threshold=True)
    (answer,) = await gallery.identify("lobby", picture(1))
    assert answer.basis.threshold_source is ThresholdSource.MODEL
    versions = (await gallery.get_gallery("lobby")).thresholds
    assert [(each.version, each.origin) for each in versions] == [
        (1, ThresholdOrigin.PINNED),
        (2, ThresholdOrigin.PINNED),
        (3, ThresholdOrigin.MODEL),
    ]


async def test_calibration_sets_the_threshold_and_every_answer_names_version_and_target(
    gallery: GalleryUseCases,
) -> None:
    await enroll_people(gallery, 20, images=3)
    dry = await gallery.calibrate("lobby", target_fpir=0.05, dry_run=True)
    assert not dry.applied
    assert (await gallery.get_gallery("lobby")).threshold is None
    report = await gallery.calibrate("lobby", target_fpir=0.05)
    assert report.applied
    assert report.threshold.low is not None
    assert report.threshold.high is not None
    assert report.threshold.low <= report.threshold.value <= report.threshold.high
    assert (await gallery.get_gallery("lobby")).threshold == report.threshold
    (answer,) = await gallery.identify("lobby", picture(1))
    assert (answer.basis.threshold_version, answer.basis.target_fpir) == (1, 0.05)
    assert answer.basis.threshold == pytest.approx(report.threshold.value, abs=1e-6)


async def test_a_calibrated_threshold_grows_stricter_with_the_gallery_and_is_not_rewritten(
    gallery: GalleryUseCases,
) -> None:
    await enroll_people(gallery, 10, images=2)
    report = await gallery.calibrate("lobby", target_fpir=0.05)
    await enroll_people(gallery, 40, first=10)
    (answer,) = await gallery.identify("lobby", picture(1))
    assert answer.basis.threshold < report.threshold.value
    assert (await gallery.get_gallery("lobby")).thresholds == (report.threshold,)


async def test_calibrations_that_cannot_be_done_are_refused_and_change_nothing(gallery: GalleryUseCases) -> None:
    with pytest.raises(NotEnoughEvidence, match="0 identities"):
        await gallery.calibrate("lobby")
    await enroll_people(gallery, 1, images=2)
    with pytest.raises(NotEnoughEvidence, match="1 identities"):
        await gallery.calibrate("lobby")
    await enroll_people(gallery, 12, images=2)
    for target in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(InvalidParameter):
            await gallery.calibrate("lobby", target_fpir=target)
    foreign = Cohort("ef" * 32, np.eye(DIMENSION, dtype=np.float32), tuple("abcdefgh"))
    with pytest.raises(ModelMismatch):
        await gallery.calibrate("lobby", cohort=foreign)
    digest = (await gallery.get_gallery("lobby")).model_digest
    for vectors, problem in (
        (np.ones((900, DIMENSION + 1)), f"have {DIMENSION + 1} numbers"),
        (np.ones((900, DIMENSION)), "has the length"),
        (np.full((900, DIMENSION), np.nan), "has the length nan"),
    ):
        with pytest.raises(InvalidRequest, match=problem):
            strangers = Cohort(digest, vectors.astype(np.float32), tuple(f"stranger {row}" for row in range(900)))
            await gallery.calibrate("lobby", target_fpir=0.05, cohort=strangers)
    few = Cohort(digest, np.eye(DIMENSION, dtype=np.float32), tuple("abcdefgh"))
    with pytest.raises(NotEnoughEvidence, match=r"\d"):
        await gallery.calibrate("lobby", target_fpir=0.001, cohort=few)
    assert (await gallery.get_gallery("lobby")).threshold is None


# Context and expiry


async def test_templates_are_found_by_camera_time_and_label(gallery: GalleryUseCases, clock: Clock) -> None:
    noon = START + timedelta(hours=12)
    await gallery.enroll("lobby", "ann", [picture(1, Context.of("door", START, {"zone": "a"}))])
    await gallery.enroll("lobby", "bob", [picture(2, Context.of("hall", noon, {"zone": "b"}))])
    for where, expected in [
        (TemplateFilter(camera_ids=("door",)), ["ann"]),
        (TemplateFilter(camera_ids=("door", "hall")), ["ann", "bob"]),
        (TemplateFilter(captured_from=noon), ["bob"]),
        (TemplateFilter(captured_until=noon), ["ann"]),
        (TemplateFilter(labels=(("zone", "b"),)), ["bob"]),
        (TemplateFilter(camera_ids=("door",), labels=(("zone", "b"),)), []),
    ]:
        (answer,) = await gallery.identify("lobby", picture(1), where=where)
        assert sorted(near.identity_id for near in answer.candidates) == expected
        listed = await gallery.list_identities("lobby", where=where)
        assert [summary.identity_id for summary in listed.items] == expected


async def test_an_expired_template_neither_matches_nor_lingers(
    gallery: GalleryUseCases, store: MemoryStore, clock: Clock
) -> None:
    await gallery.update_gallery("lobby", policy=Policy(template_lifetime=timedelta(hours=8)))
    await gallery.enroll("lobby", "ann", [picture(1, Context.of(captured_at=START - timedelta(hours=1)))])
    caretaker = Caretaker(gallery, store, clock)
    clock.now = START + timedelta(hours=6, minutes=59)
    await caretaker.walk()
    assert (await gallery.identify("lobby", picture(1)))[0].matched
    clock.now = START + timedelta(hours=7)
    assert not (await gallery.identify("lobby", picture(1)))[0].candidates
    with pytest.raises(IdentityNotFound):
        await gallery.verify_identity("lobby", picture(1), "ann")
    await caretaker.walk()
    with pytest.raises(IdentityNotFound):
        await gallery.get_identity("lobby", "ann")


async def test_an_expired_picture_that_is_not_erased_yet_is_enrolled_anew_and_stays(
    gallery: GalleryUseCases, store: MemoryStore, clock: Clock
) -> None:
    await gallery.update_gallery("lobby", policy=Policy(template_lifetime=timedelta(hours=8)))
    await gallery.enroll("lobby", "ann", [picture(1)])
    clock.now = START + timedelta(hours=9)
    assert (await gallery.enroll("lobby", "ann", [picture(1)])).templates[0].created
    await Caretaker(gallery, store, clock).walk()
    assert (await gallery.identify("lobby", picture(1)))[0].matched


async def test_a_picture_older_than_the_lifetime_is_not_enrolled(gallery: GalleryUseCases) -> None:
    await gallery.update_gallery("lobby", policy=Policy(template_lifetime=timedelta(hours=8)))
    with pytest.raises(InvalidParameter, match="would have expired"):
        await gallery.enroll("lobby", "ann", [picture(1, Context.of(captured_at=START - timedelta(hours=8)))])


async def test_a_lifetime_beyond_the_calendar_is_for_ever(gallery: GalleryUseCases, clock: Clock) -> None:
    await gallery.update_gallery("lobby", policy=Policy(template_lifetime=timedelta(days=3_652_500)))
    assert (await gallery.enroll("lobby", "ann", [picture(1)])).templates[0].created
    clock.now = START.replace(year=9998)
    assert (await gallery.identify("lobby", picture(1)))[0].matched


@pytest.mark.parametrize(
    "policy", [Policy(template_lifetime=timedelta(0)), Policy(recalibrate_at_growth=1.0)], ids=["lifetime", "growth"]
)
async def test_a_policy_nothing_could_live_by_is_refused(gallery: GalleryUseCases, policy: Policy) -> None:
    with pytest.raises(InvalidParameter):
        await gallery.update_gallery("lobby", policy=policy)
    assert (await gallery.get_gallery("lobby")).policy == Policy()


async def test_an_outgrown_threshold_is_calibrated_anew_where_the_policy_asks_for_it(
    gallery: GalleryUseCases, store: MemoryStore, clock: Clock
) -> None:
    caretaker = Caretaker(gallery, store, clock)
    await enroll_people(gallery, 10, images=2)
    await gallery.calibrate("lobby", target_fpir=0.05)
    await enroll_people(gallery, 6, images=2, first=10)
    await caretaker.walk()
    assert len((await gallery.get_gallery("lobby")).thresholds) == 1
    await gallery.update_gallery("lobby", policy=Policy(recalibrate_at_growth=1.5))
    await caretaker.walk()
    first, second = (await gallery.get_gallery("lobby")).thresholds
    assert (second.version, second.target_fpir, second.identity_count) == (2, first.target_fpir, 16)


async def test_a_gallery_that_cannot_be_calibrated_anew_keeps_no_other_from_being_looked_after(
    gallery: GalleryUseCases, store: MemoryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enroll_people(gallery, 10, images=2)
    await gallery.calibrate("lobby", target_fpir=0.05)
    await gallery.update_gallery("lobby", policy=Policy(recalibrate_at_growth=1.01))
    await enroll_people(gallery, 1, first=10)
    await gallery.create_gallery("zoo", policy=Policy(template_lifetime=timedelta(hours=1)))
    await gallery.enroll("zoo", "ann", [picture(1)])
    clock.now = START + timedelta(hours=2)

    async def refuse(*_: object, **__: object) -> None:
        raise InvalidRequest("one picture shows a stranger and an identity")

    monkeypatch.setattr(gallery, "calibrate", refuse)
    await Caretaker(gallery, store, clock).walk()
    with pytest.raises(IdentityNotFound):
        await gallery.get_identity("zoo", "ann")


async def test_what_a_server_does_again_and_again_outlives_a_time_that_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors, done = iter([StoreUnavailable("the store is away"), ValueError("odd")]), asyncio.Event()

    async def job() -> None:
        for error in errors:
            raise error
        done.set()

    task = asyncio.create_task(every(0.0, "the job", job))
    await done.wait()
    task.cancel()
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


# Conflicts


@pytest.mark.parametrize("policy", OnConflict)
async def test_a_picture_of_somebody_else_is_accepted_reported_or_refused(
    gallery: GalleryUseCases, policy: OnConflict
) -> None:
    await gallery.enroll("lobby", "ann", [picture(1)])
    await gallery.enroll("lobby", "bob", [picture(2)])
    await gallery.update_gallery("lobby", policy=Policy(on_conflict=policy))
    if policy is OnConflict.REFUSE:
        with pytest.raises(EnrolmentConflict, match="'ann'"):
            await gallery.enroll("lobby", "bob", [picture(1)])
        assert len((await gallery.get_identity("lobby", "bob")).templates) == 1
        return
    result = await gallery.enroll("lobby", "bob", [picture(1)])
    conflicts = result.templates[0].conflicts
    assert [conflict.identity_id for conflict in conflicts] == ([] if policy is OnConflict.ACCEPT else ["ann"])
    assert len((await gallery.get_identity("lobby", "bob")).templates) == 2


async def test_enrolling_a_person_again_under_another_name_is_reported(gallery: GalleryUseCases) -> None:
    await gallery.enroll("lobby", "ann", [picture(1)])
    result = await gallery.enroll("lobby", "anna", [picture(1)])
    (conflict,) = result.templates[0].conflicts
    assert (conflict.identity_id, conflict.own_distance) == ("ann", None)
    assert [finding.identity_ids for finding in await gallery.diagnose("lobby")] == [("ann", "anna")]


# Merge, split, undo


async def test_a_merge_moves_every_template_and_undo_moves_them_back(gallery: GalleryUseCases) -> None:
    await gallery.enroll("lobby", "ann", [picture(1)])
    await gallery.enroll("lobby", "anna", [picture(2), picture(3)])
    before = await gallery.get_identity("lobby", "anna")
    change = await gallery.merge_identities("lobby", "ann", "anna")
    assert change.moved == 2
    with pytest.raises(IdentityNotFound):
        await gallery.get_identity("lobby", "anna")
    assert len((await gallery.get_identity("lobby", "ann")).templates) == 3
    (answer,) = await gallery.identify("lobby", picture(3))
    assert [near.identity_id for near in answer.candidates] == ["ann"]
    undone = await gallery.undo_change("lobby", change.change_id)
    assert undone.moved == 2
    assert (await gallery.get_identity("lobby", "anna")) == before
    assert len((await gallery.get_identity("lobby", "ann")).templates) == 1
    with pytest.raises(ChangeNotFound):
        await gallery.undo_change("lobby", change.change_id)


async def test_after_a_merge_enrolling_a_merged_image_again_changes_nothing(gallery: GalleryUseCases) -> None:
    await gallery.enroll("lobby", "ann", [picture(1)])
    await gallery.enroll("lobby", "anna", [picture(2)])
    await gallery.merge_identities("lobby", "ann", "anna")
    result = await gallery.enroll("lobby", "ann", [picture(2)])
    assert not result.templates[0].created


async def test_a_split_moves_the_templates_named_and_undo_moves_them_back(gallery: GalleryUseCases) -> None:
    result = await gallery.enroll("lobby", "ann", [picture(1), picture(2), picture(3)])
    leaving = [enrolled.template.template_id for enrolled in result.templates[1:]]
    change = await gallery.split_identity("lobby", "ann", leaving, "bob")
    assert len((await gallery.get_identity("lobby", "bob")).templates) == 2
    assert (await gallery.verify_identity("lobby", picture(2), "bob", threshold=2.0)).matched
    await gallery.undo_change("lobby", change.change_id)
    restored = await gallery.get_identity("lobby", "ann")
    assert {info.template_id for info in restored.templates} == {
        enrolled.template.template_id for enrolled in result.templates
    }


async def test_changes_that_make_no_sense_are_refused(gallery: GalleryUseCases) -> None:
    result = await gallery.enroll("lobby", "ann", [picture(1)])
    own = [result.templates[0].template.template_id]
    for refusal, call in [
        (InvalidRequest, gallery.merge_identities("lobby", "ann", "ann")),
        (IdentityNotFound, gallery.merge_identities("lobby", "ann", "nobody")),
        (IdentityNotFound, gallery.merge_identities("lobby", "nobody", "ann")),
        (InvalidRequest, gallery.split_identity("lobby", "ann", own, "ann")),
        (InvalidRequest, gallery.split_identity("lobby", "ann", [], "bob")),
        (TemplateNotFound, gallery.split_identity("lobby", "ann", [uuid.uuid4()], "bob")),
        (ChangeNotFound, gallery.undo_change("lobby", uuid.uuid4())),
    ]:
        with pytest.raises(refusal):
            await call
    assert len((await gallery.get_identity("lobby", "ann")).templates) == 1
