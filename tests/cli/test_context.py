"""Cameras, times and labels; conflicts and quality: what an enrolment tells, and whom a filter leaves."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from gallery.cli.exits import Exit
from tests.cli.conftest import Run
from tests.pictures import views_of

EARLY = ["--camera", "door", "--captured-at", "2026-05-01T08:00+02:00", "--label", "shift=early", "--label", "post=1"]
LATE = ["--camera", "roof", "--captured-at", "2026-05-01T20:00+02:00", "--label", "shift=late"]


def test_a_filter_leaves_whom_it_names(gallery: Run, where: list[str], people: Path) -> None:
    ann, bob = sorted((people / "ann").iterdir()), sorted((people / "bob").iterdir())
    assert gallery("enrol", "--identity", "ann", *ann, *EARLY, *where).code == Exit.DONE
    assert gallery("enrol", "--identity", "bob", *bob, *LATE, *where).code == Exit.DONE
    template = gallery("list", "--identity", "ann", "--json", *where).json["templates"][0]
    assert template["context"]["camera_id"] == "door"
    assert template["context"]["labels"] == {"post": "1", "shift": "early"}
    assert template["context"]["captured_at"].startswith("2026-05-01T06:00:00")
    assert "door" in gallery("list", "--identity", "ann", *where).stdout

    for only_ann in (
        ["--camera", "door"],
        ["--camera", "door", "--camera", "cellar"],
        ["--captured-until", "2026-05-01T12:00+02:00"],
        ["--label", "shift=early", "--label", "post=1"],
    ):
        listed = gallery("list", "--json", *only_ann, *where).json["identities"]
        assert listed == [{"identity_id": "ann", "template_count": 2}], only_ann
        (answer,) = gallery("identify", bob[0], "--json", *only_ann, *where).json["people"]
        assert (answer["matched"], answer["outcome"], answer["runner_up"]) == (False, "NO_MATCH", None)
        assert [each["identity_id"] for each in answer["candidates"]] == ["ann"]
    (answer,) = gallery(
        "identify", bob[0], "--captured-from", "2026-05-01T12:00+02:00", "--json", *where
    ).json["people"]  # fmt: skip
    assert answer["identity_id"] == "bob"
    nobody = gallery("identify", bob[0], "--label", "shift=night", *where)
    assert (nobody.code, "nobody is enrolled" in nobody.stdout) == (Exit.NO_MATCH, True)


def test_an_expired_template_neither_matches_nor_is_enrolled(gallery: Run, where: list[str], people: Path) -> None:
    ann = sorted((people / "ann").iterdir())
    gallery("galleries", "create", *where)
    gallery("galleries", "policy", "--template-lifetime", "12h", *where)
    past = gallery("enrol", "--identity", "ann", *ann, *EARLY, "--json", *where)
    assert past.code == Exit.NO_MATCH
    assert [each["reason"] for each in past.json["refused"]] == ["INVALID_PARAMETER"] * 2
    assert "have expired" in past.json["refused"][0]["message"]
    assert gallery("list", "--json", *where).json["identities"] == []


def test_an_image_nearer_to_somebody_else_is_told_or_refused_as_the_policy_says(
    gallery: Run, where: list[str], people: Path, tmp_path: Path
) -> None:
    gallery("enrol", people, *where)
    for view, content in enumerate(views_of(0, 4)[2:]):
        (tmp_path / f"stray-{view}.png").write_bytes(content)
    warned = gallery("enrol", "--identity", "bob", "stray-0.png", "--json", *where)
    assert warned.code == Exit.DONE
    (conflicting,) = warned.json["conflicting"]
    (conflict,) = conflicting["conflicts"]
    assert (conflicting["path"], conflicting["identity_id"], conflict["identity_id"]) == ("stray-0.png", "bob", "ann")
    assert conflict["distance"] < conflict["own_distance"]

    gallery("galleries", "policy", "--on-conflict", "refuse", *where)
    refused = gallery("enrol", "--identity", "bob", "stray-1.png", *where)
    assert refused.code == Exit.NO_MATCH
    assert "ENROLMENT_CONFLICT" in refused.stdout and "'ann'" in refused.stdout


def test_a_first_image_that_duplicates_somebody_is_told(gallery: Run, on_server: list[str], people: Path) -> None:
    gallery("enrol", people, *on_server)
    told = gallery("enrol", "--identity", "anna", people / "ann" / "0.png", *on_server)
    assert "lie nearer to somebody else" in told.stdout and "first image" in told.stdout


def test_a_picture_that_cannot_be_judged_is_rejected_and_not_enrolled(
    gallery: Run, where: list[str], people: Path, tmp_path: Path
) -> None:
    gallery("enrol", people, *where)
    dark = tmp_path / "dark.png"
    assert cv2.imwrite(str(dark), np.full((64, 32, 3), 3, np.uint8))
    assert gallery("identify", dark, "--json", *where).json["people"][0]["outcome"] != "REJECTED"
    gallery("galleries", "policy", "--quality", "recommended", *where)
    (answer,) = gallery("identify", dark, "--json", *where).json["people"]
    assert (answer["matched"], answer["outcome"]) == (False, "REJECTED")
    assert {"too_dark", "low_contrast"} <= set(answer["quality"]["reasons"])
    told = gallery("identify", dark, *where)
    assert "REJECTED" in told.stdout and "too dark" in told.stdout
    verified = gallery("verify", dark, "--identity", "ann", *where)
    assert (verified.code, "REJECTED" in verified.stdout) == (Exit.NO_MATCH, True)
    seen = tmp_path / "seen.png"
    annotated = gallery("annotate", dark, "-o", seen, *where)
    assert (annotated.code, "REJECTED" in annotated.stdout, seen.exists()) == (Exit.NO_MATCH, True, True)
    refused = gallery("enrol", "--identity", "cem", dark, "--json", *where).json["refused"]
    assert [each["reason"] for each in refused] == ["POOR_QUALITY"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["list", "--galleries", "--camera", "door"], "lists people"),
        (["list", "--identity", "ann", "--label", "a=b"], "lists people"),
        (["list", "--label", "novalue"], "name=value"),
        (["list", "--label", "a=1", "--label", "a=2"], "two values"),
        (["list", "--captured-until", "noon"], "ISO 8601"),
        (["enrol", "people", "--captured-at", "99"], "ISO 8601"),
        (["enrol", "people", "--label", "=x"], "name=value"),
    ],
)
def test_a_context_that_cannot_be_read_is_wrong_usage(
    gallery: Run, on_server: list[str], people: Path, words: list[str], hint: str
) -> None:
    ended = gallery(*words, *on_server)
    assert (ended.code, ended.stdout) == (Exit.USAGE, "")
    assert hint in ended.stderr
