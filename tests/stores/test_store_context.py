"""What every store keeps to about context: where and when a picture was taken, labels, expiry, and what was moved."""

import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gallery.domain import EVERYTHING, Context, Fusion, Gallery, IdentitySummary, Move, Region, Template, TemplateFilter
from gallery.errors import InvalidModel, ModelMismatch
from gallery.ports import TemplateStore
from tests.fakes import fits
from tests.stores.samples import NOON, OTHER_MODEL, from_mean, make_template, unit

pytestmark = pytest.mark.asyncio(loop_scope="module")

TICK = timedelta(microseconds=1)
CHANGE = uuid.UUID("4b8f3c1e-7c55-4a5e-9df3-0d7f0a6f0001")
LABELS = [("shirt", "red"), ("shirt", "blue"), ("a=b", "c"), ("a", "b=c"), ("50%", "%3D"), ("", ""), ("人", "🙂 \n")]


async def put(store: TemplateStore, gallery: Gallery, *templates: Template) -> None:
    await store.put(gallery.gallery_id, templates)


async def found(store: TemplateStore, gallery: Gallery, where: TemplateFilter) -> set[str]:
    """The identities that ``where`` lets through, asked in the three ways, which must agree."""
    nearest = await store.nearest(gallery.gallery_id, unit(1), limit=999, where=where)
    listed = await store.list_identities(gallery.gallery_id, after="", limit=999, where=where)
    scanned = await store.scan(gallery.gallery_id, after=None, limit=999, where=where)
    counts = Counter(each.info.identity_id for each in scanned)
    assert listed == [IdentitySummary(name, counts[name]) for name in sorted(counts)]
    assert Counter(each.identity_id for each in nearest) == counts
    return set(counts)


@pytest.mark.parametrize(
    "template",
    [
        make_template("ann", 1),
        make_template("ann", 2, context=Context.of("north", NOON, {"shirt": "red", "hat": ""})),
        make_template("ann", 3, context=Context.of(labels=dict(LABELS))),
        make_template("ann", 4, context=Context.of(captured_at=datetime(1, 1, 1, tzinfo=UTC))),
        make_template("ann", 5, expires_at=NOON + TICK, move=Move(CHANGE, "bob"), region=Region(1, 2, 3, 4)),
    ],
    ids=["nothing", "everything", "odd labels", "the first moment", "expiry and move"],
)
async def test_all_that_is_told_about_a_template_is_kept(
    store: TemplateStore, gallery: Gallery, template: Template
) -> None:
    await put(store, gallery, template)
    assert await store.find(gallery.gallery_id, [template.info.template_id]) == [template.info]
    assert await store.list_templates(gallery.gallery_id, "ann") == [template.info]
    (scanned,) = await store.scan(gallery.gallery_id, after=None, limit=9)
    assert scanned.info == template.info
    assert scanned.embedding == pytest.approx(template.embedding, abs=1e-6)


async def test_moments_of_any_zone_are_the_moments_they_are(store: TemplateStore, gallery: Gallery) -> None:
    east = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    await put(store, gallery, make_template("ann", 1, context=Context(captured_at=east), expires_at=east))
    (info,) = await store.list_templates(gallery.gallery_id, "ann")
    assert info.context.captured_at == info.expires_at == NOON
    assert await found(store, gallery, TemplateFilter(captured_from=NOON, captured_until=east + TICK)) == {"ann"}


async def test_a_camera_finds_its_own(store: TemplateStore, gallery: Gallery) -> None:
    await put(
        store,
        gallery,
        *(make_template(name, seed, context=Context(name)) for seed, name in enumerate(["north", "south", "east"])),
        make_template("nowhere", 9),
    )
    assert await found(store, gallery, TemplateFilter(camera_ids=("north",))) == {"north"}
    assert await found(store, gallery, TemplateFilter(camera_ids=("north", "east", "west"))) == {"north", "east"}
    assert await found(store, gallery, TemplateFilter(camera_ids=("nor",))) == set()
    assert await found(store, gallery, EVERYTHING) == {"north", "south", "east", "nowhere"}


async def test_a_span_of_time_holds_its_beginning_and_not_its_end(store: TemplateStore, gallery: Gallery) -> None:
    for name, moment in {"before": NOON - TICK, "at": NOON, "after": NOON + TICK}.items():
        await put(store, gallery, make_template(name, 1, context=Context(captured_at=moment)))
    await put(store, gallery, make_template("never", 1))
    assert await found(store, gallery, TemplateFilter(captured_from=NOON)) == {"at", "after"}
    assert await found(store, gallery, TemplateFilter(captured_until=NOON)) == {"before"}
    assert await found(store, gallery, TemplateFilter(captured_from=NOON, captured_until=NOON + TICK)) == {"at"}
    assert await found(store, gallery, TemplateFilter(captured_from=NOON, captured_until=NOON)) == set()


async def test_a_label_is_its_name_and_its_value(store: TemplateStore, gallery: Gallery) -> None:
    for name, value in LABELS:
        await put(store, gallery, make_template(f"{name}:{value!r}", 1, context=Context(labels=((name, value),))))
    for name, value in LABELS:
        assert await found(store, gallery, TemplateFilter(labels=((name, value),))) == {f"{name}:{value!r}"}


async def test_all_labels_that_are_asked_for_must_be_there(store: TemplateStore, gallery: Gallery) -> None:
    await put(store, gallery, make_template("one", 1, context=Context.of(labels={"shirt": "red"})))
    await put(store, gallery, make_template("two", 1, context=Context.of(labels={"shirt": "red", "hat": "no"})))
    assert await found(store, gallery, TemplateFilter(labels=(("shirt", "red"),))) == {"one", "two"}
    assert await found(store, gallery, TemplateFilter(labels=(("hat", "no"), ("shirt", "red")))) == {"two"}
    assert await found(store, gallery, TemplateFilter(labels=(("hat", "no"), ("shirt", "blue")))) == set()


async def test_a_template_is_alive_until_the_moment_it_expires(store: TemplateStore, gallery: Gallery) -> None:
    await put(store, gallery, make_template("ann", 1, expires_at=NOON), make_template("ann", 2))
    await put(store, gallery, make_template("bob", 1, expires_at=NOON + TICK))
    alive = TemplateFilter(alive_at=NOON)
    assert await found(store, gallery, TemplateFilter(alive_at=NOON - TICK)) == {"ann", "bob"}
    assert await found(store, gallery, alive) == {"ann", "bob"}
    assert await store.list_identities(gallery.gallery_id, after="", limit=1, where=alive) == [
        IdentitySummary("ann", 1)
    ]
    assert await found(store, gallery, TemplateFilter(alive_at=NOON + TICK)) == {"ann"}
    assert await found(store, gallery, TemplateFilter(alive_at=NOON + TICK, identity_ids=("bob",))) == set()


async def test_a_ranking_by_the_mean_leaves_out_what_expires_between_two_of_them(
    store: TemplateStore, gallery: Gallery
) -> None:
    async def distance_at(moment: datetime) -> float:
        (ann,) = await store.nearest_identities(
            gallery.gallery_id, unit(1), limit=1, fusion=Fusion.MEAN, where=TemplateFilter(alive_at=moment)
        )
        return ann.distance

    await put(
        store, gallery, make_template("ann", 1, expires_at=NOON), make_template("ann", 2), make_template("ann", 3)
    )
    assert await distance_at(NOON - TICK) == pytest.approx(from_mean(1, 1, 2, 3), abs=1e-5)
    assert await distance_at(NOON) == pytest.approx(from_mean(1, 2, 3), abs=1e-5)
    await store.delete_expired(gallery.gallery_id, NOON)
    assert await distance_at(NOON) == pytest.approx(from_mean(1, 2, 3), abs=1e-5)
    await put(store, gallery, make_template("ann", 4, expires_at=NOON + TICK))
    assert await distance_at(NOON) == pytest.approx(from_mean(1, 2, 3, 4), abs=1e-5)
    assert await distance_at(NOON + TICK) == pytest.approx(from_mean(1, 2, 3), abs=1e-5)


async def test_what_has_expired_is_erased_for_good(store: TemplateStore, gallery: Gallery) -> None:
    ann, bob = make_template("ann", 1, expires_at=NOON), make_template("bob", 2, expires_at=NOON + TICK)
    await put(store, gallery, ann, make_template("ann", 3), bob, make_template("eve", 4, expires_at=NOON - TICK))
    assert await store.count_identities(gallery.gallery_id) == 3
    assert await store.delete_expired(gallery.gallery_id, NOON) == 2
    assert await store.delete_expired(gallery.gallery_id, NOON) == 0
    assert await found(store, gallery, EVERYTHING) == {"ann", "bob"}
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == [
        IdentitySummary("ann", 1),
        IdentitySummary("bob", 1),
    ]
    assert await store.count_identities(gallery.gallery_id) == 2
    assert await store.find(gallery.gallery_id, [ann.info.template_id]) == []
    assert await store.delete_expired(gallery.gallery_id, NOON + TICK) == 1
    assert await store.count_identities(gallery.gallery_id) == 1


async def test_a_page_of_the_living_is_full(store: TemplateStore, gallery: Gallery) -> None:
    names = [f"person-{number:02}" for number in range(20)]
    expiry = [NOON if number % 3 else None for number in range(20)]
    await put(
        store, gallery, *(make_template(name, 1, expires_at=end) for name, end in zip(names, expiry, strict=True))
    )
    alive, listed = TemplateFilter(alive_at=NOON), list[IdentitySummary]()
    while page := await store.list_identities(
        gallery.gallery_id, after=listed[-1].identity_id if listed else "", limit=3, where=alive
    ):
        listed += page
        assert len(page) == 3 or len(listed) == 7
    assert [each.identity_id for each in listed] == names[::3]


async def test_what_a_change_moved_is_found(store: TemplateStore, gallery: Gallery) -> None:
    await put(store, gallery, make_template("ann", 1, move=Move(CHANGE, "bob")))
    await put(store, gallery, make_template("eve", 1, move=Move(uuid.uuid4(), "bob")), make_template("ann", 2))
    assert await found(store, gallery, TemplateFilter(change_id=CHANGE)) == {"ann"}
    assert await found(store, gallery, TemplateFilter(change_id=uuid.uuid4())) == set()


async def test_a_move_puts_and_removes(store: TemplateStore, gallery: Gallery) -> None:
    old, stays = [make_template("bob", seed) for seed in (1, 2)], make_template("bob", 3)
    await put(store, gallery, *old, stays)
    assert await store.count_identities(gallery.gallery_id) == 1
    new = [make_template("ann", seed, move=Move(CHANGE, "bob")) for seed in (1, 2)]
    leaving = [each.info.template_id for each in old]
    for _ in range(2):  # doing it again, as after a lost answer, changes nothing
        await store.move(gallery.gallery_id, new, [*leaving, uuid.uuid4()])
        assert await store.list_identities(gallery.gallery_id, after="", limit=9) == [
            IdentitySummary("ann", 2),
            IdentitySummary("bob", 1),
        ]
    assert await store.count_identities(gallery.gallery_id) == 2
    assert await store.list_templates(gallery.gallery_id, "ann") == [each.info for each in new]
    assert await store.find(gallery.gallery_id, leaving) == []
    assert await found(store, gallery, TemplateFilter(change_id=CHANGE)) == {"ann"}


async def test_what_a_move_puts_it_does_not_remove(store: TemplateStore, gallery: Gallery) -> None:
    template = make_template("ann", 1)
    await put(store, gallery, template)
    await store.move(gallery.gallery_id, [template], [template.info.template_id])
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == [IdentitySummary("ann", 1)]
    await store.move(gallery.gallery_id, [], [])
    await store.move(gallery.gallery_id, [], [template.info.template_id])
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == []


async def test_a_move_that_is_refused_leaves_everything_as_it_was(store: TemplateStore, gallery: Gallery) -> None:
    template = make_template("bob", 1)
    await put(store, gallery, template)
    unfit = [make_template("ann", 1, embedding=unit(1) * 2), make_template("ann", 1, model_digest=OTHER_MODEL)]
    for each, error in zip(unfit, (InvalidModel, ModelMismatch), strict=True):
        with pytest.raises(error):
            await store.move(gallery.gallery_id, [each], [template.info.template_id])
    assert await found(store, gallery, EVERYTHING) == {"bob"}


async def test_a_scan_goes_through_all_templates_by_id(store: TemplateStore, gallery: Gallery) -> None:
    templates = [make_template(f"person-{seed % 4}", seed) for seed in range(25)]
    await put(store, gallery, *templates)
    scanned: list[Template] = []
    while page := await store.scan(
        gallery.gallery_id, after=scanned[-1].info.template_id if scanned else None, limit=7
    ):
        scanned += page
    assert [each.info for each in scanned] == sorted(
        (each.info for each in templates), key=lambda info: info.template_id
    )
    expected = {each.info.template_id: each.embedding for each in templates}
    for each in scanned:
        assert each.embedding == pytest.approx(expected[each.info.template_id], abs=1e-6)
    assert len(await store.scan(gallery.gallery_id, after=None, limit=10**12)) == 25
    assert await store.scan(gallery.gallery_id, after=None, limit=0) == []
    assert await store.scan(gallery.gallery_id, after=uuid.UUID(int=(1 << 128) - 1), limit=9) == []


async def test_a_scan_of_more_than_a_page_of_the_engine_is_whole(store: TemplateStore, gallery: Gallery) -> None:
    await put(store, gallery, *(make_template("ann", seed) for seed in range(1003)))
    scanned = await store.scan(gallery.gallery_id, after=None, limit=1002)
    assert len({each.info.template_id for each in scanned}) == 1002


async def test_identities_are_counted(store: TemplateStore, gallery: Gallery) -> None:
    assert await store.count_identities(gallery.gallery_id) == 0
    templates = [make_template(f"person-{seed % 4}", seed) for seed in range(9)]
    await put(store, gallery, *templates)
    assert await store.count_identities(gallery.gallery_id) == 4
    await store.delete_identity(gallery.gallery_id, "person-1")
    assert await store.count_identities(gallery.gallery_id) == 3
    for seed in (2, 6):
        await store.delete_template(gallery.gallery_id, templates[seed].info.template_id)
    assert await store.count_identities(gallery.gallery_id) == 2


async def test_any_filter_lets_through_what_plain_checks_do(store: TemplateStore, gallery: Gallery) -> None:
    draw = random.Random(7)
    moments = [NOON + timedelta(hours=hour) for hour in range(6)]

    def template(seed: int) -> Template:
        labels = {name: draw.choice("xy") for name in "ab" if draw.random() < 0.6}
        context = Context.of(draw.choice([None, "north", "south"]), draw.choice([None, *moments]), labels)
        move = Move(CHANGE, "bob") if draw.random() < 0.3 else None
        expires_at = draw.choice([None, *moments])
        return make_template(f"person-{seed % 7}", seed, context=context, expires_at=expires_at, move=move)

    templates = [template(seed) for seed in range(120)]
    await put(store, gallery, *templates)
    some = 0
    for _ in range(40):
        where = TemplateFilter(
            camera_ids=draw.choice([(), (), ("north",), ("south", "west")]),
            captured_from=draw.choice([None, None, *moments]),
            captured_until=draw.choice([None, None, *moments]),
            labels=tuple((name, draw.choice("xy")) for name in "ab" if draw.random() < 0.3),
            identity_ids=draw.choice([(), (), ("person-3",), ("person-1", "person-5")]),
            change_id=draw.choice([None, None, CHANGE]),
            alive_at=draw.choice([None, *moments]),
        )
        expected = {each.info.template_id for each in templates if fits(each.info, where)}
        scanned = await store.scan(gallery.gallery_id, after=None, limit=999, where=where)
        assert {each.info.template_id for each in scanned} == expected
        assert await found(store, gallery, where) == {each.info.identity_id for each in scanned}
        for limit in (3, 999):
            near = await store.nearest(gallery.gallery_id, unit(1), limit=limit, where=where)
            plain = sorted(scanned, key=lambda each: -float(each.embedding @ unit(1)))[:limit]
            assert [each.template_id for each in near] == [each.info.template_id for each in plain]
        ranked = await store.nearest_identities(gallery.gallery_id, unit(1), limit=99, fusion=Fusion.TOP_K, where=where)
        assert {each.identity_id for each in ranked} == {each.info.identity_id for each in scanned}
        for candidate in ranked:
            own = [each for each in plain if each.info.identity_id == candidate.identity_id]
            three = [1.0 - float(each.embedding @ unit(1)) for each in own[:3]]
            assert candidate.distance == pytest.approx(sum(three) / len(three), abs=1e-5)
        some += bool(expected)
    assert some > 10


@pytest.mark.parametrize("limit", [5, 300])
async def test_a_filter_that_none_of_the_nearest_fit_is_answered_in_full(
    store: TemplateStore, gallery: Gallery, limit: int
) -> None:
    def template(seed: int) -> Template:
        camera = "south" if float(unit(seed) @ unit(9999)) > 0 else "north"  # the half around the probe, and the other
        return make_template(f"person-{seed % 50}", seed, context=Context(camera))

    templates = [template(seed) for seed in range(700)]
    await put(store, gallery, *templates)
    north = [each for each in templates if each.info.context.camera_id == "north"]
    plain = sorted(north, key=lambda each: -float(each.embedding @ unit(9999)))[:limit]
    near = await store.nearest(
        gallery.gallery_id, unit(9999), limit=limit, where=TemplateFilter(camera_ids=("north", "east"))
    )
    assert [each.template_id for each in near] == [each.info.template_id for each in plain]
