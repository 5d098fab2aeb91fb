"""Thresholds: pinned, calibrated, corrected, calibrated anew by the caretaker."""

import asyncio
from datetime import timedelta

import numpy as np
import pytest

from gallery.domain import Cohort, Policy, ThresholdOrigin, ThresholdSource
from gallery.errors import (
    IdentityNotFound,
    InvalidParameter,
    InvalidRequest,
    ModelMismatch,
    NotEnoughEvidence,
    StoreUnavailable,
)
from gallery.server import every
from gallery.use_cases import Caretaker, GalleryUseCases
from tests.fakes import MemoryStore
from tests.tiny_model import DIMENSION
from tests.upkeep.people import START, Clock, enroll_people, picture


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


def test_a_cohort_of_nobody_is_not_taken_for_none_given() -> None:
    with pytest.raises(NotEnoughEvidence, match="bundled with the model"):
        Cohort("ef" * 32, np.empty((0, DIMENSION), np.float32), ())


@pytest.mark.parametrize("shape", [(DIMENSION,), (3, DIMENSION)])
def test_strangers_and_their_names_are_as_many(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidRequest, match="an embedding a name"):
        Cohort("ef" * 32, np.zeros(shape, np.float32), ("ann", "bob"))


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


async def test_what_a_server_does_again_and_again_it_does_at_once_when_it_starts() -> None:
    done = asyncio.Event()

    async def job() -> None:
        done.set()

    task = asyncio.create_task(every(3600.0, "the job", job))
    await done.wait()
    task.cancel()
