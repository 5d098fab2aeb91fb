"""Templates by camera, time and label, and for as long as they live."""

import math
from datetime import timedelta

import pytest

from gallery.domain import Context, Gallery, Policy, QualityLimits, TemplateFilter
from gallery.errors import IdentityNotFound, InvalidParameter, StoreCorrupt
from gallery.use_cases import Caretaker, GalleryUseCases
from tests.fakes import MemoryStore
from tests.upkeep.people import START, Clock, picture


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


async def test_a_damaged_gallery_keeps_no_other_from_being_looked_after(
    gallery: GalleryUseCases,
    store: MemoryStore,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = store.list_galleries

    async def damaged(*, after: str, limit: int) -> list[Gallery]:
        found = await whole(after=after, limit=limit)
        if any(one.gallery_id == "hall" for one in found):
            raise StoreCorrupt("its record is torn", gallery_id="hall")
        return found

    names = ("attic", "hall", "lobby", "roof")
    for name in names:
        if name != "lobby":
            await gallery.create_gallery(name)
        await gallery.update_gallery(name, policy=Policy(template_lifetime=timedelta(hours=8)))
        await gallery.enroll(name, "ann", [picture(1)])
    clock.now = START + timedelta(hours=9)
    monkeypatch.setattr(store, "list_galleries", damaged)
    await Caretaker(gallery, store, clock).walk()
    assert [await store.count_identities(name) for name in names] == [0, 1, 0, 0]
    assert "the gallery hall cannot be looked after: its record is torn" in caplog.text


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
    "policy",
    [
        Policy(template_lifetime=timedelta(0)),
        Policy(template_lifetime=timedelta.max),  # read back from a store's seconds it would overflow
        Policy(recalibrate_at_growth=1.0),
        Policy(probe_quality=QualityLimits(min_sharpness=math.nan)),
        Policy(probe_quality=QualityLimits(min_contrast=math.inf)),
        Policy(enrolment_quality=QualityLimits(min_width=-1)),
        Policy(enrolment_quality=QualityLimits(min_brightness=0.9, max_brightness=0.1)),
    ],
    ids=["no lifetime", "an endless lifetime", "growth", "NaN", "infinite", "negative", "nothing between"],
)
async def test_a_policy_nothing_could_live_by_is_refused(gallery: GalleryUseCases, policy: Policy) -> None:
    with pytest.raises(InvalidParameter):
        await gallery.update_gallery("lobby", policy=policy)
    assert (await gallery.get_gallery("lobby")).policy == Policy()
