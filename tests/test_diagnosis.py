import uuid
from datetime import UTC, datetime

import numpy as np
import pytest

from gallery import diagnosis
from gallery.domain import FindingKind, Template, TemplateInfo

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def template(identity_id: str, *degrees: float) -> Template:
    """A unit vector at this angle in the plane, or at two angles on the sphere."""
    flat, up = np.radians([*degrees, 0.0][:2])
    vector = np.array([np.cos(up) * np.cos(flat), np.cos(up) * np.sin(flat), np.sin(up)], np.float32)
    return Template(TemplateInfo(uuid.uuid4(), identity_id, "ab" * 32, "cd" * 32, NOW), vector)


def distance(degrees: float) -> float:
    return float(1 - np.cos(np.radians(degrees)))


def test_a_clean_gallery_has_nothing_to_find() -> None:
    clean = [template("ann", 0), template("ann", 5), template("bob", 90), template("bob", 95)]
    assert diagnosis.examine(clean, 0.1, "lobby") == ()


def test_a_person_enrolled_under_two_names_is_a_likely_duplicate_and_the_command_merges_them() -> None:
    (finding,) = diagnosis.examine([template("ann", 0), template("anna's twin", 5), template("bob", 90)], 0.1, "lobby")
    assert finding.kind is FindingKind.LIKELY_DUPLICATE
    assert finding.identity_ids == ("ann", "anna's twin")
    assert finding.distance == pytest.approx(distance(5), abs=1e-6)
    assert finding.command == "gallery merge --gallery lobby -- ann 'anna'\"'\"'s twin'"


def test_a_template_nearer_to_somebody_else_than_to_its_own_is_an_outlier() -> None:
    strayed = template("ann", 88)
    findings = diagnosis.examine(
        [template("ann", 0), template("ann", 3), strayed, template("bob", 100), template("bob", 103)], 0.001, "lobby"
    )
    assert [(finding.kind, finding.template_id) for finding in findings] == [
        (FindingKind.OUTLIER_TEMPLATE, strayed.info.template_id)
    ]
    assert str(strayed.info.template_id) in findings[0].command


def test_one_stray_picture_does_not_make_two_people_one() -> None:
    strayed = template("ann", 101)
    people = [template("ann", 0), template("ann", 3), strayed, template("bob", 100), template("bob", 105)]
    (finding,) = diagnosis.examine(people, distance(10), "lobby")
    assert (finding.kind, finding.identity_ids) == (FindingKind.OUTLIER_TEMPLATE, ("ann", "bob"))
    assert finding.command == f"gallery split --gallery lobby -- ann bob {strayed.info.template_id}"


def test_a_person_under_two_names_is_one_duplicate_and_no_outliers() -> None:
    twins = [template("ann", 0), template("ann", 3), template("bob", 1), template("bob", 4)]
    (finding,) = diagnosis.examine([*twins, template("cem", 90)], distance(10), "lobby")
    assert (finding.kind, finding.identity_ids) == (FindingKind.LIKELY_DUPLICATE, ("ann", "bob"))


def test_identities_that_lie_within_each_other_are_inseparable() -> None:
    mixed = [template("ann", 0), template("ann", 30), template("bob", 10), template("bob", 40)]
    kinds = {finding.kind for finding in diagnosis.examine(mixed, 0.001, "lobby")}
    assert FindingKind.INSEPARABLE in kinds


def test_findings_come_nearest_first() -> None:
    pairs = [
        template(f"{side}-{pair}", 60 * pair + 1.5 * pair * (side == "b")) for pair in range(1, 5) for side in "ab"
    ]
    findings = diagnosis.examine(pairs, 0.1, "lobby")
    distances = [finding.distance for finding in findings]
    assert len(distances) == 4
    assert distances == sorted(distances)


def test_blocks_find_what_one_block_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    crowd = [template(f"p{number // 3}", *random.uniform(0, 90, 2)) for number in range(60)]
    whole = diagnosis.examine(crowd, 0.05, "lobby")
    monkeypatch.setattr(diagnosis, "_BLOCK", 7)
    assert whole
    assert diagnosis.examine(crowd, 0.05, "lobby") == whole


@pytest.mark.parametrize("count", [0, 1, 5])
def test_nobody_or_one_person_alone_is_no_finding(count: int) -> None:
    assert diagnosis.examine([template("ann", 10 * number) for number in range(count)], 0.5, "lobby") == ()
