"""Calibration, policy, context and changes through both clients and a real server with a tiny model."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import cv2
import numpy as np
import pytest

import gallery
from gallery import AsyncGalleryClient, GalleryClient
from gallery.domain import (
    Cohort,
    FindingKind,
    Gallery,
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
    GalleryError,
    GalleryNotFound,
    IdentityNotFound,
    InvalidIdentifier,
    InvalidParameter,
    InvalidRequest,
    ModelMismatch,
    NotEnoughEvidence,
    PoorQuality,
    TemplateNotFound,
)
from tests.pictures import png_of, views_of

TARGET = 0.1
MORNING = datetime(2026, 5, 1, 8, tzinfo=UTC)


@pytest.fixture
def lobby(client: GalleryClient) -> str:
    """A gallery of three people with two pictures each."""
    name = f"lobby-{uuid4().hex}"
    client.create_gallery(name)
    for person in range(3):
        client.enroll(name, f"person-{person}", views_of(person, 2))
    return name


@pytest.fixture(scope="module")
def strangers(address: str) -> Cohort:
    """Forty people who are not enrolled, two pictures each."""
    people, rows, digest = [], [], ""
    with GalleryClient(address, timeout=60.0) as client:
        for person in range(100, 140):
            for picture in views_of(person, 2):
                (embedded,) = client.embed(picture)
                people.append(f"stranger-{person}")
                rows.append(embedded.embedding)
                digest = embedded.model_digest
    return Cohort(digest, np.stack(rows), tuple(people))


def test_a_calibrated_threshold_is_applied_to_the_next_call_and_named_by_it(
    client: GalleryClient, lobby: str, strangers: Cohort
) -> None:
    tried = client.calibrate(lobby, target_fpir=TARGET, cohort=strangers, dry_run=True)
    assert not tried.applied and client.get_gallery(lobby).thresholds == ()
    report = client.calibrate(lobby, target_fpir=TARGET, cohort=strangers)
    assert report.applied and report.threshold.value == tried.threshold.value
    assert (report.stranger_people, report.stranger_images) == (40, 80)
    assert report.tpir is not None and report.tpir.low <= report.tpir.value <= report.tpir.high
    assert report.fpir.low <= report.fpir.value <= report.fpir.high
    assert len(report.det) > 2

    (answer,) = client.identify(lobby, views_of(1, 3)[2])
    assert (answer.outcome, answer.identity_id) == (Outcome.MATCH, "person-1")
    basis = answer.basis
    assert (basis.threshold_source, basis.threshold_version, basis.target_fpir) == (ThresholdSource.GALLERY, 1, TARGET)
    assert basis.threshold == pytest.approx(report.threshold.value)
    assert basis.margin == report.threshold.margin
    (asked,) = client.identify(lobby, views_of(1, 3)[2], threshold=0.7)
    assert (asked.basis.threshold_source, asked.basis.threshold_version) == (ThresholdSource.REQUEST, None)


def test_a_pinned_threshold_is_applied_without_a_restart_and_every_version_is_kept(
    client: GalleryClient, lobby: str, strangers: Cohort
) -> None:
    client.calibrate(lobby, target_fpir=TARGET, cohort=strangers)
    client.update_gallery(lobby, pinned_threshold=0.0)
    (answer,) = client.identify(lobby, png_of(7))
    assert (answer.outcome, answer.basis.threshold, answer.basis.threshold_version) == (Outcome.NO_MATCH, 0.0, 2)
    changed = client.update_gallery(lobby, model_threshold=True)
    assert [each.origin for each in changed.thresholds] == [
        ThresholdOrigin.CALIBRATED,
        ThresholdOrigin.PINNED,
        ThresholdOrigin.MODEL,
    ]
    assert [each.version for each in changed.thresholds] == [1, 2, 3]
    assert client.identify(lobby, png_of(7))[0].basis.threshold_source is ThresholdSource.MODEL


def of_another_model(strangers: Cohort) -> Cohort:
    return replace(strangers, model_digest="f" * 64)


def few(strangers: Cohort) -> Cohort:
    return replace(strangers, embeddings=strangers.embeddings[:6], people=strangers.people[:6])


def named_twice(strangers: Cohort) -> Cohort:
    """One picture of two people."""
    rows = np.vstack([strangers.embeddings, strangers.embeddings[:1]])
    return replace(strangers, embeddings=rows, people=(*strangers.people, "somebody else"))


REFUSALS: list[tuple[type[GalleryError], str, Any]] = [
    (InvalidParameter, "target", lambda c, g, s: c.calibrate(g, target_fpir=0.0, cohort=s)),
    (InvalidParameter, "target", lambda c, g, s: c.calibrate(g, target_fpir=1.0, cohort=s)),
    (InvalidParameter, "target", lambda c, g, s: c.calibrate(g, target_fpir=float("nan"), cohort=s)),
    (NotEnoughEvidence, "200 people", lambda c, g, s: c.calibrate(g, target_fpir=0.001, cohort=s)),
    (NotEnoughEvidence, "10 people", lambda c, g, s: c.calibrate(g, target_fpir=TARGET, cohort=few(s))),
    (NotEnoughEvidence, "strangers of your own", lambda c, g, s: c.calibrate(g)),
    (ModelMismatch, "ffff", lambda c, g, s: c.calibrate(g, target_fpir=TARGET, cohort=of_another_model(s))),
    (InvalidRequest, "one picture shows", lambda c, g, s: c.calibrate(g, target_fpir=TARGET, cohort=named_twice(s))),
    (
        NotEnoughEvidence,
        "2 identities",
        lambda c, g, s: c.calibrate(g, target_fpir=TARGET, cohort=s, where=TemplateFilter(camera_ids=("roof",))),
    ),
    (GalleryNotFound, "nowhere", lambda c, g, s: c.calibrate("nowhere", cohort=s)),
    (GalleryNotFound, "nowhere", lambda c, g, s: c.diagnose("nowhere")),
    (GalleryNotFound, "nowhere", lambda c, g, s: c.update_gallery("nowhere", pinned_threshold=0.1)),
    (InvalidParameter, "0 to 2", lambda c, g, s: c.update_gallery(g, pinned_threshold=2.5)),
    (InvalidRequest, "one of the two", lambda c, g, s: c.update_gallery(g, pinned_threshold=1, model_threshold=True)),
    (InvalidParameter, "lifetime", lambda c, g, s: c.update_gallery(g, policy=Policy(template_lifetime=timedelta(0)))),
    (InvalidParameter, "above 1", lambda c, g, s: c.update_gallery(g, policy=Policy(recalibrate_at_growth=1.0))),
    (InvalidRequest, "itself", lambda c, g, s: c.merge_identities(g, "person-0", "person-0")),
    (IdentityNotFound, "nobody", lambda c, g, s: c.merge_identities(g, "person-0", "nobody")),
    (IdentityNotFound, "nobody", lambda c, g, s: c.merge_identities(g, "nobody", "person-0")),
    (InvalidIdentifier, "printable", lambda c, g, s: c.merge_identities(g, "person-0", "")),
    (InvalidRequest, "at least one template", lambda c, g, s: c.split_identity(g, "person-0", [], "new")),
    (TemplateNotFound, "no template", lambda c, g, s: c.split_identity(g, "person-0", [UUID(int=7)], "new")),
    (ChangeNotFound, "merge or split", lambda c, g, s: c.undo_change(g, uuid.uuid4())),
]


@pytest.mark.parametrize(("kind", "words", "call"), REFUSALS)
def test_a_refusal_arrives_as_it_was_and_nothing_is_changed(
    client: GalleryClient, lobby: str, strangers: Cohort, kind: type[GalleryError], words: str, call: Any
) -> None:
    def state() -> tuple[Gallery, list[Any]]:
        return client.get_gallery(lobby), [client.get_identity(lobby, f"person-{person}") for person in range(3)]

    before = state()
    with pytest.raises(kind, match=words):
        call(client, lobby, strangers)
    assert state() == before


@pytest.mark.parametrize("people", [0, 1])
def test_a_gallery_of_nobody_or_of_one_person_is_not_calibrated(
    client: GalleryClient, strangers: Cohort, people: int
) -> None:
    name = client.create_gallery(f"empty-{uuid4().hex}").gallery_id
    for person in range(people):
        client.enroll(name, f"person-{person}", views_of(person, 2))
    with pytest.raises(NotEnoughEvidence, match="at least 2 identities"):
        client.calibrate(name, target_fpir=TARGET, cohort=strangers)
    assert client.get_gallery(name).thresholds == ()


def test_an_enrolled_person_among_the_strangers_is_a_contradiction(
    client: GalleryClient, lobby: str, strangers: Cohort
) -> None:
    (embedded,) = client.embed(views_of(0, 1)[0])
    rows = np.vstack([strangers.embeddings, embedded.embedding[None]])
    mixed = Cohort(strangers.model_digest, rows, (*strangers.people, "a stranger?"))
    with pytest.raises(InvalidRequest, match="person-0"):
        client.calibrate(lobby, target_fpir=TARGET, cohort=mixed)


def test_a_policy_decides_what_is_enrolled_and_judged(client: GalleryClient, lobby: str) -> None:
    stray = views_of(0, 3)[2]
    (warned,) = client.enroll(lobby, "person-1", [stray]).templates
    assert [each.identity_id for each in warned.conflicts] == ["person-0"]
    client.delete_template(lobby, warned.template.template_id)

    policy = Policy(
        on_conflict=OnConflict.REFUSE,
        enrolment_quality=QualityLimits(min_brightness=0.1),
        probe_quality=QualityLimits(min_brightness=0.05),
    )
    assert client.update_gallery(lobby, policy=policy).policy == policy
    with pytest.raises(EnrolmentConflict, match="person-0"):
        client.enroll(lobby, "person-1", [stray])
    dark = gallery.image(np.full((64, 32, 3), 2, np.uint8), array_order="RGB")
    with pytest.raises(PoorQuality, match="too dark"):
        client.enroll(lobby, "person-4", [dark])
    (answer,) = client.identify(lobby, dark)
    assert (answer.outcome, answer.quality.reasons) == (Outcome.REJECTED, (QualityReason.TOO_DARK,))
    assert (answer.matched, answer.identity_id) == (False, None)


def test_a_probe_between_two_identities_is_ambiguous_and_names_both(client: GalleryClient, strangers: Cohort) -> None:
    name = client.create_gallery(f"twins-{uuid4().hex}", threshold=0.3).gallery_id
    one, other, probe = views_of(5, 3)
    client.enroll(name, "castor", [one])
    client.enroll(name, "pollux", [other])
    client.enroll(name, "helen", views_of(6, 2))
    calibrated = client.calibrate(name, target_fpir=TARGET, cohort=strangers).threshold
    client.update_gallery(name, pinned_threshold=0.3)
    (answer,) = client.identify(name, probe)
    assert calibrated.margin > 0
    assert answer.margin is not None and answer.margin < calibrated.margin
    assert (answer.outcome, answer.matched) == (Outcome.AMBIGUOUS, False)
    assert {near.identity_id for near in answer.candidates[:2]} == {"castor", "pollux"}


def test_context_is_kept_and_filters_by_camera_time_and_label(client: GalleryClient) -> None:
    name = client.create_gallery(f"yard-{uuid4().hex}").gallery_id
    for person, camera in enumerate(("door", "roof")):
        pictures = [
            gallery.image(
                view, camera_id=camera, captured_at=MORNING + timedelta(hours=person), labels={"shift": f"s{person}"}
            )
            for view in views_of(person, 2)
        ]
        client.enroll(name, camera, pictures)
    info = client.get_identity(name, "roof").templates[0]
    assert (info.context.camera_id, info.context.captured_at) == ("roof", MORNING + timedelta(hours=1))
    for where in (
        TemplateFilter(camera_ids=("door",)),
        TemplateFilter(captured_until=MORNING + timedelta(minutes=1)),
        TemplateFilter(labels=(("shift", "s0"),)),
    ):
        assert [each.identity_id for each in client.list_identities(name, where=where).items] == ["door"]
        (answer,) = client.identify(name, views_of(1, 1)[0], where=where)
        assert [near.identity_id for near in answer.candidates] == ["door"]


def test_an_expiry_in_the_past_is_refused_and_an_expired_template_does_not_match(client: GalleryClient) -> None:
    policy = Policy(template_lifetime=timedelta(hours=12))
    name = client.create_gallery(f"shift-{uuid4().hex}", policy=policy).gallery_id
    picture = views_of(0, 1)[0]
    with pytest.raises(InvalidParameter, match="have expired"):
        client.enroll(name, "ann", [gallery.image(picture, captured_at=datetime.now(UTC) - timedelta(hours=13))])
    assert client.list_identities(name).items == ()
    (kept,) = client.enroll(name, "ann", [gallery.image(picture, captured_at=datetime.now(UTC))]).templates
    assert kept.template.expires_at is not None
    assert client.identify(name, picture)[0].identity_id == "ann"


def test_a_time_without_a_zone_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidParameter, match="time zone"):
        gallery.image(png_of(1), captured_at=datetime(2026, 5, 1, 8))


def test_merges_and_splits_are_undone(client: GalleryClient, lobby: str) -> None:
    before = [client.get_identity(lobby, f"person-{person}") for person in range(3)]
    merged = client.merge_identities(lobby, "person-0", "person-1")
    assert merged.moved == 2
    assert len(client.get_identity(lobby, "person-0").templates) == 4
    assert client.undo_change(lobby, merged.change_id).moved == 2
    split = client.split_identity(lobby, "person-2", [before[2].templates[0].template_id], "person-9")
    assert [each.identity_id for each in client.get_identity(lobby, "person-9").templates] == ["person-9"]
    assert client.undo_change(lobby, split.change_id).moved == 1
    assert [client.get_identity(lobby, f"person-{person}") for person in range(3)] == before
    with pytest.raises(ChangeNotFound):
        client.undo_change(lobby, split.change_id)


def test_a_person_under_two_names_is_found(client: GalleryClient, lobby: str) -> None:
    assert client.diagnose(lobby) == ()
    client.enroll(lobby, "double", [views_of(0, 3)[2]])
    (finding,) = client.diagnose(lobby)
    assert (finding.kind, set(finding.identity_ids)) == (FindingKind.LIKELY_DUPLICATE, {"person-0", "double"})
    assert 0.0 <= finding.distance < 0.05


async def test_the_asyncio_client_calibrates_examines_and_changes_too(
    address: str, lobby: str, strangers: Cohort, tmp_path: Path
) -> None:
    async with AsyncGalleryClient(address, timeout=60.0) as client:
        report = await client.calibrate(lobby, target_fpir=TARGET, cohort=strangers)
        assert report.applied
        assert await client.diagnose(lobby) == ()
        changed = await client.update_gallery(lobby, pinned_threshold=0.2, policy=Policy(on_conflict=OnConflict.ACCEPT))
        assert changed.threshold is not None and (changed.threshold.value, changed.threshold.version) == (0.2, 2)
        merged = await client.merge_identities(lobby, "person-0", "person-1")
        assert (await client.undo_change(lobby, merged.change_id)).moved == 2
        (template, _) = (await client.get_identity(lobby, "person-2")).templates
        assert (await client.split_identity(lobby, "person-2", [template.template_id], "person-3")).moved == 1
        drawn = await client.annotate(lobby, views_of(1, 1)[0], output=tmp_path / "seen.png")
        assert cv2.imread(str(tmp_path / "seen.png")) is not None and drawn.ndim == 3


def test_everything_the_package_exports_is_there() -> None:
    for name in gallery.__all__:
        assert getattr(gallery, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = gallery.nothing_like_this
