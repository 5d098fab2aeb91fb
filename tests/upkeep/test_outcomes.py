"""What becomes of a probe: ambiguous, rejected, found by every fusion rule; pictures that break the limits."""

from dataclasses import replace

import pytest

from gallery.domain import (
    EncodedImage,
    Fusion,
    Outcome,
    Policy,
    QualityLimits,
    QualityReason,
)
from gallery.errors import PoorQuality
from gallery.use_cases import GalleryUseCases
from tests.fakes import MemoryStore
from tests.pictures import png_of
from tests.upkeep.people import enroll_people, picture


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
