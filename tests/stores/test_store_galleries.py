"""What every store keeps to about a gallery's thresholds and policy."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gallery.domain import (
    Fusion,
    Gallery,
    OnConflict,
    Policy,
    QualityLimits,
    Tail,
    Threshold,
    ThresholdOrigin,
)
from gallery.errors import GalleryChanged
from gallery.ports import TemplateStore
from tests.stores.samples import NOON, make_gallery, make_template

pytestmark = pytest.mark.asyncio(loop_scope="module")

PINNED = Threshold(1, 0.25, ThresholdOrigin.PINNED, NOON)
CALIBRATED = Threshold(
    version=2,
    value=0.1 + 0.2,
    origin=ThresholdOrigin.CALIBRATED,
    set_at=NOON + timedelta(days=1),
    margin=0.0125,
    target_fpir=0.01,
    low=0.0,
    high=1 / 3,
    identity_count=50,
    tail=Tail(-7.25, 21.0),
)
POLICY = Policy(
    fusion=Fusion.TOP_K,
    enrolment_quality=QualityLimits(min_width=64, min_height=128, min_sharpness=1e-3, max_strangeness=0.9),
    probe_quality=QualityLimits(min_brightness=0.0, max_brightness=1.0, min_contrast=0.05),
    on_conflict=OnConflict.REFUSE,
    template_lifetime=timedelta(hours=8, microseconds=1),
    recalibrate_at_growth=1.5,
)


@pytest.mark.parametrize(
    ("thresholds", "policy"),
    [((PINNED,), Policy()), ((PINNED, CALIBRATED), POLICY), ((CALIBRATED,), POLICY)],
    ids=["pinned", "calibrated", "a later version alone"],
)
async def test_thresholds_and_policy_are_kept_as_they_were_given(
    store: TemplateStore, gallery: Gallery, thresholds: tuple[Threshold, ...], policy: Policy
) -> None:
    created = replace(make_gallery(f"{gallery.gallery_id}-2"), thresholds=thresholds, policy=policy)
    await store.create_gallery(created)
    updated = replace(gallery, thresholds=thresholds, policy=policy)
    await store.update_gallery(updated, replacing=gallery)
    assert await store.get_gallery(created.gallery_id) == created
    assert await store.get_gallery(updated.gallery_id) == updated
    assert await store.list_galleries(after=gallery.gallery_id[:-1], limit=2) == [updated, created]


async def test_what_is_taken_back_is_gone(store: TemplateStore, gallery: Gallery) -> None:
    full = replace(gallery, thresholds=(PINNED, CALIBRATED), policy=POLICY)
    await store.update_gallery(full, replacing=gallery)
    await store.put(gallery.gallery_id, [make_template("ann", 1)])
    await store.update_gallery(gallery, replacing=full)
    assert await store.get_gallery(gallery.gallery_id) == gallery
    assert len(await store.list_templates(gallery.gallery_id, "ann")) == 1


async def test_a_change_of_what_is_no_longer_there_is_refused(store: TemplateStore, gallery: Gallery) -> None:
    first, second = (replace(gallery, policy=Policy(fusion=fusion)) for fusion in (Fusion.BEST, Fusion.TOP_K))
    await store.update_gallery(first, replacing=gallery)
    with pytest.raises(GalleryChanged, match=gallery.gallery_id):
        await store.update_gallery(second, replacing=gallery)
    assert await store.get_gallery(gallery.gallery_id) == first


async def test_of_many_who_change_at_once_one_succeeds(store: TemplateStore, gallery: Gallery) -> None:
    changed = [replace(gallery, thresholds=(replace(PINNED, value=number / 10),)) for number in range(10)]
    outcomes = await asyncio.gather(
        *(store.update_gallery(each, replacing=gallery) for each in changed), return_exceptions=True
    )
    (winner,) = (each for each, outcome in zip(changed, outcomes, strict=True) if outcome is None)
    assert sum(isinstance(outcome, GalleryChanged) for outcome in outcomes) == 9
    assert await store.get_gallery(gallery.gallery_id) == winner
