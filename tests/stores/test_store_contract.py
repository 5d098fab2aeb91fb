"""What every store keeps to, whatever it is made of."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from gallery.domain import Fusion, Gallery, IdentitySummary, Region
from gallery.errors import GalleryAlreadyExists, GalleryNotFound, InvalidModel, ModelMismatch
from gallery.ports import TemplateStore
from tests.fakes import MemoryStore
from tests.stores.samples import DIMENSION, NOON, OTHER_MODEL, make_gallery, make_template, unit

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD_IDENTITIES = ["Ω", "a b", "a.b[0]", 'quote"', "0", "person-10", "person-9", "Ångström", "人", "🙂", "*", "null"]

Call = Callable[[TemplateStore, str], Awaitable[object]]
CALLS: dict[str, Call] = {
    "get_gallery": lambda store, name: store.get_gallery(name),
    "delete_gallery": lambda store, name: store.delete_gallery(name),
    "put": lambda store, name: store.put(name, [make_template("ann", 1)]),
    "find": lambda store, name: store.find(name, [uuid.uuid4()]),
    "nearest": lambda store, name: store.nearest(name, unit(1), limit=3),
    "nearest_to_each": lambda store, name: store.nearest_to_each(name, [make_template("ann", 1)], limit=3),
    "nearest_identities": lambda store, name: store.nearest_identities(name, unit(1), limit=3, fusion=Fusion.MEAN),
    "list_identities": lambda store, name: store.list_identities(name, after="", limit=3),
    "list_templates": lambda store, name: store.list_templates(name, "ann"),
    "delete_identity": lambda store, name: store.delete_identity(name, "ann"),
    "update_gallery": lambda store, name: store.update_gallery(make_gallery(name), replacing=make_gallery(name)),
    "move": lambda store, name: store.move(name, [make_template("ann", 1)], []),
    "scan": lambda store, name: store.scan(name, after=None, limit=3),
    "count_identities": lambda store, name: store.count_identities(name),
    "delete_expired": lambda store, name: store.delete_expired(name, NOON),
    "delete_template": lambda store, name: store.delete_template(name, uuid.uuid4()),
}


async def test_a_store_answers(store: TemplateStore) -> None:
    await store.check()


@pytest.mark.parametrize("threshold", [None, 0.0, 0.25, 2.0])
async def test_a_gallery_is_found_as_it_was_created(
    store: TemplateStore, gallery: Gallery, threshold: float | None
) -> None:
    created = make_gallery(f"{gallery.gallery_id}-2", threshold=threshold)
    await store.create_gallery(created)
    assert await store.get_gallery(created.gallery_id) == created
    assert await store.get_gallery(gallery.gallery_id) == gallery


async def test_a_gallery_is_not_created_twice(store: TemplateStore, gallery: Gallery) -> None:
    await store.put(gallery.gallery_id, [make_template("ann", 1)])
    with pytest.raises(GalleryAlreadyExists, match=gallery.gallery_id):
        await store.create_gallery(make_gallery(gallery.gallery_id, dimension=8))
    assert await store.get_gallery(gallery.gallery_id) == gallery
    assert len(await store.list_templates(gallery.gallery_id, "ann")) == 1


@pytest.mark.parametrize("name", CALLS)
async def test_an_unknown_gallery_is_said_to_be_unknown(store: TemplateStore, prefix: str, name: str) -> None:
    with pytest.raises(GalleryNotFound, match=prefix):
        await CALLS[name](store, f"{prefix}-nowhere")


async def test_galleries_are_listed_by_id_in_pages(store: TemplateStore, gallery: Gallery, prefix: str) -> None:
    more = [make_gallery(f"{prefix}-{letter}") for letter in "zba"]
    for each in more:
        await store.create_gallery(each)
    first = await store.list_galleries(after=prefix, limit=3)
    assert first == [more[2], more[1], gallery]
    rest = await store.list_galleries(after=first[-1].gallery_id, limit=1)
    assert rest == [more[0]]


async def test_a_deleted_gallery_takes_its_templates_along(store: TemplateStore, gallery: Gallery) -> None:
    await store.put(gallery.gallery_id, [make_template("ann", seed) for seed in range(3)])
    assert await store.delete_gallery(gallery.gallery_id) == 3
    with pytest.raises(GalleryNotFound):
        await store.get_gallery(gallery.gallery_id)
    again = make_gallery(gallery.gallery_id, dimension=DIMENSION + 1)
    await store.create_gallery(again)
    assert await store.nearest(gallery.gallery_id, unit(0, DIMENSION + 1), limit=5) == []
    assert await store.list_identities(gallery.gallery_id, after="", limit=5) == []


async def test_a_template_is_found_as_it_was_put(store: TemplateStore, gallery: Gallery) -> None:
    whole, part = make_template("ann", 1), make_template("bob", 1, region=Region(0, 20, 64, 128))
    await store.put(gallery.gallery_id, [whole, part])
    missing = uuid.uuid4()
    ids = [part.info.template_id, missing, whole.info.template_id, part.info.template_id]
    assert await store.find(gallery.gallery_id, ids) == [part.info, whole.info]
    assert await store.find(gallery.gallery_id, []) == []


async def test_putting_a_template_again_changes_nothing(store: TemplateStore, gallery: Gallery) -> None:
    template = make_template("ann", 1)
    await store.put(gallery.gallery_id, [template, template])
    await store.put(gallery.gallery_id, [template])
    assert await store.list_templates(gallery.gallery_id, "ann") == [template.info]
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == [IdentitySummary("ann", 1)]
    assert len(await store.nearest(gallery.gallery_id, unit(1), limit=9)) == 1


async def test_putting_nothing_is_no_error(store: TemplateStore, gallery: Gallery) -> None:
    await store.put(gallery.gallery_id, [])
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == []


@pytest.mark.parametrize(
    ("embedding", "error"),
    [
        (np.full(DIMENSION, np.nan, np.float32), InvalidModel),
        (np.full(DIMENSION, np.inf, np.float32), InvalidModel),
        (np.zeros(DIMENSION, np.float32), InvalidModel),
        (unit(1) * np.float32(1.01), InvalidModel),
        (unit(1, DIMENSION - 1), ModelMismatch),
        (unit(1).reshape(1, DIMENSION), ModelMismatch),
    ],
    ids=["nan", "infinite", "zero", "too long", "too short a vector", "two dimensions"],
)
async def test_one_unfit_embedding_keeps_all_of_them_out(
    store: TemplateStore, gallery: Gallery, embedding: np.ndarray, error: type[Exception]
) -> None:
    unfit = make_template("ann", 2, embedding=embedding)
    with pytest.raises(error):
        await store.put(gallery.gallery_id, [make_template("ann", 1), unfit, make_template("ann", 3)])
    assert await store.list_templates(gallery.gallery_id, "ann") == []
    with pytest.raises(error):
        await store.nearest(gallery.gallery_id, embedding, limit=1)


async def test_a_template_of_another_model_is_refused(store: TemplateStore, gallery: Gallery) -> None:
    with pytest.raises(ModelMismatch, match=OTHER_MODEL[:12]):
        await store.put(gallery.gallery_id, [make_template("ann", 1, model_digest=OTHER_MODEL)])
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == []


async def test_a_limit_beyond_all_gives_all(store: TemplateStore, gallery: Gallery) -> None:
    await store.put(gallery.gallery_id, [make_template("ann", seed) for seed in range(5)])
    assert len(await store.nearest(gallery.gallery_id, unit(1), limit=10**12)) == 5
    assert await store.nearest(gallery.gallery_id, unit(1), limit=0) == []
    assert len(await store.list_identities(gallery.gallery_id, after="", limit=10**12)) == 1


async def test_identities_are_listed_in_pages_with_exact_counts(store: TemplateStore, gallery: Gallery) -> None:
    counts = {f"person-{number:02}": number % 4 + 1 for number in range(25)}
    templates = [make_template(name, seed) for name, count in counts.items() for seed in range(count)]
    random.Random(0).shuffle(templates)
    await store.put(gallery.gallery_id, templates)
    listed: list[IdentitySummary] = []
    while page := await store.list_identities(
        gallery.gallery_id, after=listed[-1].identity_id if listed else "", limit=4
    ):
        listed += page
        assert len(page) == 4 or len(listed) == 25
    assert listed == [IdentitySummary(name, counts[name]) for name in sorted(counts)]


async def test_any_printable_identity_is_kept_apart(store: TemplateStore, gallery: Gallery) -> None:
    templates = [make_template(name, 1) for name in ODD_IDENTITIES]
    await store.put(gallery.gallery_id, templates)
    listed = await store.list_identities(gallery.gallery_id, after="", limit=99)
    assert listed == [IdentitySummary(name, 1) for name in sorted(ODD_IDENTITIES)]
    for template in templates:
        assert await store.list_templates(gallery.gallery_id, template.info.identity_id) == [template.info]
    assert await store.delete_identity(gallery.gallery_id, "*") == 1
    assert len(await store.list_identities(gallery.gallery_id, after="", limit=99)) == len(ODD_IDENTITIES) - 1


async def test_an_identitys_templates_are_listed_oldest_first(store: TemplateStore, gallery: Gallery) -> None:
    templates = [make_template("ann", seed) for seed in (5, 1, 9, 3)]
    await store.put(gallery.gallery_id, [*templates, make_template("bob", 2)])
    listed = await store.list_templates(gallery.gallery_id, "ann")
    assert listed == [templates[1].info, templates[3].info, templates[0].info, templates[2].info]
    assert await store.list_templates(gallery.gallery_id, "nobody") == []


async def test_more_templates_than_a_page_are_all_listed(store: TemplateStore, gallery: Gallery) -> None:
    await store.put(gallery.gallery_id, [make_template("ann", seed) for seed in range(1003)])
    assert len(await store.list_templates(gallery.gallery_id, "ann")) == 1003
    assert await store.list_identities(gallery.gallery_id, after="", limit=1) == [IdentitySummary("ann", 1003)]


async def test_an_erased_identity_is_in_no_answer(store: TemplateStore, gallery: Gallery) -> None:
    mine = [make_template("ann", seed) for seed in range(3)]
    await store.put(gallery.gallery_id, [*mine, make_template("bob", 7)])
    assert len(await store.list_identities(gallery.gallery_id, after="", limit=9)) == 2
    assert await store.delete_identity(gallery.gallery_id, "ann") == 3
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == [IdentitySummary("bob", 1)]
    assert await store.list_templates(gallery.gallery_id, "ann") == []
    assert await store.find(gallery.gallery_id, [each.info.template_id for each in mine]) == []
    assert {each.identity_id for each in await store.nearest(gallery.gallery_id, unit(1), limit=9)} == {"bob"}
    assert await store.delete_identity(gallery.gallery_id, "ann") == 0


async def test_the_last_template_takes_the_identity_with_it(store: TemplateStore, gallery: Gallery) -> None:
    first, second = make_template("ann", 1), make_template("ann", 2)
    await store.put(gallery.gallery_id, [first, second])
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == [IdentitySummary("ann", 2)]
    assert await store.delete_template(gallery.gallery_id, first.info.template_id)
    assert not await store.delete_template(gallery.gallery_id, first.info.template_id)
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == [IdentitySummary("ann", 1)]
    assert await store.delete_template(gallery.gallery_id, second.info.template_id)
    assert await store.list_identities(gallery.gallery_id, after="", limit=9) == []


async def test_many_callers_at_once_lose_nothing(store: TemplateStore, gallery: Gallery) -> None:
    templates = [make_template(f"person-{seed % 10}", seed) for seed in range(200)]
    answers = await asyncio.gather(
        *(store.put(gallery.gallery_id, [template]) for template in templates),
        *(store.nearest(gallery.gallery_id, unit(seed), limit=3) for seed in range(50)),
    )
    assert all(answer is None for answer in answers[:200])
    listed = await store.list_identities(gallery.gallery_id, after="", limit=99)
    assert [each.template_count for each in listed] == [20] * 10


async def test_any_sequence_of_writes_leaves_what_it_leaves_in_memory(store: TemplateStore, gallery: Gallery) -> None:
    draw, memory, name = random.Random(5), MemoryStore(), gallery.gallery_id
    await memory.create_gallery(gallery)
    pool = [make_template(f"person-{seed % 6}", seed) for seed in range(40)]
    for _ in range(60):
        template = draw.choice(pool)
        action = draw.randrange(4)
        for each in (store, memory):
            if action < 2:
                await each.put(name, [template])
            elif action == 2:
                await each.delete_template(name, template.info.template_id)
            else:
                await each.delete_identity(name, template.info.identity_id)
        listed = await store.list_identities(name, after="", limit=99)
        assert listed == await memory.list_identities(name, after="", limit=99)
    found = await store.nearest(name, unit(99), limit=99)
    expected = await memory.nearest(name, unit(99), limit=99)
    assert [each.template_id for each in found] == [each.template_id for each in expected]
