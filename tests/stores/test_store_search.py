"""What every store finds near a probe: the same as a plain loop over all templates."""

from dataclasses import replace

import numpy as np
import pytest

from gallery.domain import EVERYTHING, Context, Fusion, Gallery, TemplateFilter
from gallery.matching import considered, identity_distances
from gallery.ports import TemplateStore
from tests.stores.samples import from_mean, make_template, unit

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_nearest_are_those_of_a_plain_search(store: TemplateStore, gallery: Gallery) -> None:
    templates = [make_template(f"person-{seed % 7}", seed) for seed in range(300)]
    await store.put(gallery.gallery_id, templates)
    probe = unit(1000)
    distances = {each.info.template_id: 1.0 - float(each.embedding @ probe) for each in templates}
    expected = sorted(distances, key=lambda template_id: distances[template_id])[:20]
    neighbours = await store.nearest(gallery.gallery_id, probe, limit=20)
    assert [each.template_id for each in neighbours] == expected
    assert [each.distance for each in neighbours] == pytest.approx([distances[each] for each in expected], abs=1e-5)
    owners = {each.info.template_id: each.info.identity_id for each in templates}
    assert [each.identity_id for each in neighbours] == [owners[each] for each in expected]


async def test_the_nearest_to_each_are_those_of_single_searches_and_one_of_its_own(
    store: TemplateStore, gallery: Gallery
) -> None:
    cameras = (Context.of("door"), Context.of("gate"))
    held = [make_template(f"person-{seed % 9}", seed, context=cameras[seed % 2]) for seed in range(40)]
    await store.put(gallery.gallery_id, held)
    asked = [
        *held[:5],
        *(make_template(f"person-{seed % 9}", 100 + seed) for seed in range(20)),
        make_template("zoe", 7),
    ]
    for where in (EVERYTHING, TemplateFilter(camera_ids=("door",)), TemplateFilter(camera_ids=("nowhere",))):
        found = await store.nearest_to_each(gallery.gallery_id, asked, limit=3, where=where)
        assert len(found) == len(asked)
        for template, near in zip(asked, found, strict=True):
            mine = replace(where, identity_ids=(template.info.identity_id,))
            nearest = await store.nearest(gallery.gallery_id, template.embedding, limit=3, where=where)
            own = await store.nearest(gallery.gallery_id, template.embedding, limit=1, where=mine)
            assert near[: len(nearest)] == nearest
            is_found = template.info.identity_id in {each.identity_id for each in nearest}
            assert near[len(nearest) :] == ([] if is_found else own)
    assert await store.nearest_to_each(gallery.gallery_id, [], limit=3) == []


async def test_the_nearest_of_one_identity_are_its_own(store: TemplateStore, gallery: Gallery) -> None:
    await store.put(gallery.gallery_id, [make_template(f"person-{seed % 5}", seed) for seed in range(50)])
    only = TemplateFilter(identity_ids=("person-3",))
    neighbours = await store.nearest(gallery.gallery_id, unit(1), limit=99, where=only)
    assert len(neighbours) == 10
    assert {each.identity_id for each in neighbours} == {"person-3"}
    nobody = TemplateFilter(identity_ids=("nobody",))
    assert await store.nearest(gallery.gallery_id, unit(1), limit=99, where=nobody) == []


@pytest.mark.parametrize("fusion", Fusion)
@pytest.mark.parametrize(("count", "each_has"), [(60, 1), (40, 12), (3, 200)])
async def test_identities_are_ranked_as_a_plain_loop_ranks_them(
    store: TemplateStore, gallery: Gallery, fusion: Fusion, count: int, each_has: int
) -> None:
    together = np.repeat([unit(person) for person in range(count)], each_has, axis=0)
    rows = together + 0.3 * np.stack([unit(1000 + seed) for seed in range(len(together))])
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    owners = np.arange(len(rows)) // each_has
    templates = [make_template(f"person-{owner}", seed, embedding=rows[seed]) for seed, owner in enumerate(owners)]
    await store.put(gallery.gallery_id, templates)
    for probe in (unit(5000), unit(1), unit(1)):
        similarities = rows @ probe
        nearest = [f"person-{owner}" for owner in owners[np.argsort(-similarities)]]
        some = list(dict.fromkeys(nearest))[: considered(4, fusion)]
        fused = identity_distances(probe[None], rows, owners, fusion)[0]
        expected = sorted((float(fused[owner]), owner) for owner in range(count) if f"person-{owner}" in some)[:4]
        ranked = await store.nearest_identities(gallery.gallery_id, probe, limit=4, fusion=fusion)
        assert [each.identity_id for each in ranked] == [f"person-{owner}" for _, owner in expected]
        assert [each.distance for each in ranked] == pytest.approx([distance for distance, _ in expected], abs=1e-5)
        for each, (_, owner) in zip(ranked, expected, strict=True):
            own = np.flatnonzero(owners == owner)
            assert each.template_id == templates[own[similarities[own].argmax()]].info.template_id


async def test_a_ranking_follows_what_is_enrolled_and_erased(store: TemplateStore, gallery: Gallery) -> None:
    templates = [make_template("ann", seed) for seed in range(4)] + [make_template("bob", 9)]

    async def ranked() -> dict[str, float]:
        found = await store.nearest_identities(gallery.gallery_id, unit(1), limit=5, fusion=Fusion.MEAN)
        return {each.identity_id: each.distance for each in found}

    await store.put(gallery.gallery_id, [templates[0], templates[1], templates[4]])
    for _ in range(2):
        assert await ranked() == pytest.approx({"ann": from_mean(1, 0, 1), "bob": from_mean(1, 9)}, abs=1e-5)
    await store.put(gallery.gallery_id, templates)
    assert await ranked() == pytest.approx({"ann": from_mean(1, 0, 1, 2, 3), "bob": from_mean(1, 9)}, abs=1e-5)
    await store.delete_template(gallery.gallery_id, templates[2].info.template_id)
    assert await ranked() == pytest.approx({"ann": from_mean(1, 0, 1, 3), "bob": from_mean(1, 9)}, abs=1e-5)
    await store.delete_identity(gallery.gallery_id, "ann")
    assert await ranked() == pytest.approx({"bob": from_mean(1, 9)}, abs=1e-5)


async def test_distances_stay_between_0_and_2(store: TemplateStore, gallery: Gallery) -> None:
    vectors = [unit(seed) for seed in range(20)]
    await store.put(
        gallery.gallery_id,
        [make_template("same", seed, embedding=vector) for seed, vector in enumerate(vectors)]
        + [make_template("opposite", seed, embedding=-vector) for seed, vector in enumerate(vectors)],
    )
    for vector in vectors:
        neighbours = await store.nearest(gallery.gallery_id, vector, limit=40)
        assert all(0.0 <= each.distance <= 2.0 for each in neighbours)
        assert neighbours[0].distance == pytest.approx(0.0, abs=1e-5)
        assert neighbours[-1].distance == pytest.approx(2.0, abs=1e-5)


async def test_an_empty_gallery_has_no_nearest(store: TemplateStore, gallery: Gallery) -> None:
    assert await store.nearest(gallery.gallery_id, unit(1), limit=10) == []
    assert await store.nearest_identities(gallery.gallery_id, unit(1), limit=10, fusion=Fusion.MEAN) == ()
