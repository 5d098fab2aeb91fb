"""Pictures of somebody else, and changes of whose a template is: merge, split, undo."""

import uuid

import pytest

from gallery.domain import OnConflict, Policy
from gallery.errors import (
    ChangeNotFound,
    EnrolmentConflict,
    IdentityNotFound,
    InvalidRequest,
    TemplateNotFound,
)
from gallery.use_cases import GalleryUseCases
from tests.upkeep.people import picture


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
