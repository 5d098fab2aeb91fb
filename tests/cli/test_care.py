"""`gallery doctor`, `merge`, `split`, `undo`, and what a gallery decides by and is kept by."""

import shlex
from pathlib import Path

import pytest

from gallery import domain
from gallery.cli import policy
from gallery.cli.context import duration, duration_line
from gallery.cli.exits import Exit
from tests.cli.conftest import Run
from tests.pictures import views_of


def pasted(gallery: Run, command: str) -> int:
    """Run a command that was printed, as a person would who pastes it."""
    program, *words = shlex.split(command)
    assert program == "gallery"
    return gallery(*words).code


@pytest.fixture
def untidy(tmp_path: Path) -> Path:
    """Ann under two names, -n her twin's; a picture of bob's among cem's."""
    folder = tmp_path / "untidy"
    ann, bob, cem = views_of(0, 4), views_of(1, 4), views_of(2, 3)
    people = {"ann": ann[:2], "-n": ann[2:], "bob": bob[:3], "cem o'neill": [*cem, bob[3]]}
    for name, contents in people.items():
        (folder / name).mkdir(parents=True)
        for view, content in enumerate(contents):
            (folder / name / f"{view}.png").write_bytes(content)
    return folder


def test_every_command_the_doctor_prints_can_be_pasted_and_mends_what_it_found(
    gallery: Run, where: list[str], untidy: Path
) -> None:
    gallery("enrol", untidy, *where)
    found = gallery("doctor", "--json", *where)
    assert found.code == Exit.NO_MATCH
    kinds = {finding["kind"] for finding in found.json["findings"]}
    assert kinds == {"outlier_template", "likely_duplicate"}
    (strayed,) = (finding for finding in found.json["findings"] if finding["kind"] == "outlier_template")
    assert strayed["identity_ids"] == ["cem o'neill", "bob"]
    assert pasted(gallery, strayed["command"]) == Exit.DONE
    (twins,) = (each for each in found.json["findings"] if set(each["identity_ids"]) == {"ann", "-n"})
    assert pasted(gallery, twins["command"]) == Exit.DONE

    counts = {
        each["identity_id"]: each["template_count"] for each in gallery("list", "--json", *where).json["identities"]
    }
    assert sorted(counts.values()) == [3, 4, 4] and counts["bob"] == 4
    clean = gallery("doctor", *where)
    assert (clean.code, "nothing is wrong" in clean.stdout) == (Exit.DONE, True), clean.stdout


def test_findings_are_told_with_distances_and_commands(gallery: Run, on_server: list[str], untidy: Path) -> None:
    gallery("enrol", untidy, *on_server)
    told = gallery("doctor", *on_server).stdout.replace("\n", "")
    assert "likely duplicate" in told and "outlier template" in told and "gallery merge" in told


def test_a_merge_is_undone_by_the_command_that_it_prints(gallery: Run, where: list[str], people: Path) -> None:
    gallery("enrol", people, *where)
    merged = gallery("merge", "ann", "bob", *where)
    assert merged.code == Exit.DONE
    assert "merged 'bob' into 'ann': 2 templates" in merged.stdout
    assert gallery("list", "--json", *where).json["identities"] == [{"identity_id": "ann", "template_count": 4}]
    undo = merged.stdout.partition("to undo it: ")[2].strip()
    assert pasted(gallery, undo) == Exit.DONE
    listed = gallery("list", "--json", *where).json["identities"]
    assert [(each["identity_id"], each["template_count"]) for each in listed] == [("ann", 2), ("bob", 2)]
    assert pasted(gallery, undo) == Exit.REFUSED


def test_a_split_moves_the_named_templates_and_can_be_undone(gallery: Run, where: list[str], people: Path) -> None:
    gallery("enrol", people, *where)
    one = gallery("list", "--identity", "ann", "--json", *where).json["templates"][0]["template_id"]
    split = gallery("split", "ann", "anna", one, "--json", *where)
    assert (split.code, split.json["moved"]) == (Exit.DONE, 1)
    names = [each["identity_id"] for each in gallery("list", "--json", *where).json["identities"]]
    assert names == ["ann", "anna", "bob"]
    undone = gallery("undo", split.json["change_id"], "--json", *where)
    assert undone.json == {"gallery_id": where[-1], "change_id": split.json["change_id"], "moved": 1}
    names = [each["identity_id"] for each in gallery("list", "--json", *where).json["identities"]]
    assert names == ["ann", "bob"]


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["merge", "ann", "ann"], Exit.REFUSED, "itself"),
        (["merge", "ann", "nobody"], Exit.REFUSED, "nobody"),
        (["merge", "nobody", "ann"], Exit.REFUSED, "nobody"),
        (["split", "ann", "anna", "6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11"], Exit.REFUSED, "no template"),
        (["split", "ann", "anna", "rubbish"], Exit.USAGE, "valid UUID"),
        (["undo", "6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11"], Exit.REFUSED, "no template"),
        (["galleries", "threshold"], Exit.USAGE, "--model-default"),
        (["galleries", "threshold", "--pin", "0.5", "--model-default"], Exit.USAGE, "either"),
        (["galleries", "threshold", "--pin", "3"], Exit.REFUSED, "0 to 2"),
        (["galleries", "policy"], Exit.USAGE, "what to change"),
        (["galleries", "policy", "--template-lifetime", "soon"], Exit.USAGE, "12h"),
        (["galleries", "policy", "--template-lifetime", "0s"], Exit.REFUSED, "positive"),
        (["galleries", "policy", "--template-lifetime", "9999999999w"], Exit.USAGE, "duration"),
        (["galleries", "policy", "--recalibrate-at-growth", "1"], Exit.REFUSED, "above 1"),
        (["galleries", "policy", "--max-strangeness", "much"], Exit.USAGE, "much"),
        (["galleries", "policy", "--fusion", "median"], Exit.USAGE, "top-k"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence_and_changes_nothing(
    gallery: Run, on_server: list[str], people: Path, words: list[str], code: Exit, hint: str
) -> None:
    gallery("enrol", people, *on_server)
    before = gallery("galleries", "show", "--json", *on_server).json, gallery("list", "--json", *on_server).json
    ended = gallery(*words, *on_server)
    assert (ended.code, ended.stdout) == (code, ""), ended
    assert hint in ended.stderr
    assert before == (
        gallery("galleries", "show", "--json", *on_server).json,
        gallery("list", "--json", *on_server).json,
    )


def test_a_threshold_is_pinned_and_given_back_to_the_model(gallery: Run, where: list[str], people: Path) -> None:
    gallery("enrol", people, *where)
    probe = people / "ann" / "0.png"
    pinned = gallery("galleries", "threshold", "--pin", "0.25", "--json", *where).json["galleries"][0]
    assert (pinned["threshold"]["value"], pinned["threshold"]["version"]) == (0.25, 1)
    assert "threshold 0.25 (gallery's, version 1)" in gallery("identify", probe, *where).stderr
    gallery("galleries", "threshold", "--model-default", *where)
    assert "(model's)" in gallery("identify", probe, *where).stderr
    shown = gallery("galleries", "show", *where).stdout
    assert "pinned" in shown and "0.25" in shown and "model, version 2" in shown


def test_a_policy_is_changed_piece_by_piece_and_shown(gallery: Run, where: list[str]) -> None:
    gallery("galleries", "create", *where)
    gallery("galleries", "policy", "--fusion", "top-k", "--on-conflict", "refuse", *where)
    gallery("galleries", "policy", "--template-lifetime", "36h", "--max-strangeness", "0.5", *where)
    changed = gallery(
        "galleries", "policy", "--quality", "recommended", "--recalibrate-at-growth", "1.5", "--json", *where
    ).json["galleries"][0]["policy"]
    assert (changed["fusion"], changed["on_conflict"], changed["template_lifetime"]) == ("top_k", "refuse", 36 * 3600)
    assert changed["recalibrate_at_growth"] == 1.5
    assert (changed["probe_quality"]["max_strangeness"], changed["probe_quality"]["min_height"]) == (0.5, 32)
    shown = gallery("galleries", "show", *where).stdout
    for words in ("top-k", "refuse", "36h", "1.5", "min height 48", "max strangeness 0.5"):
        assert words in shown
    bare = gallery(
        "galleries", "policy", "--quality", "none", "--template-lifetime", "none",
        "--recalibrate-at-growth", "none", *where,
    )  # fmt: skip
    assert "for ever" in bare.stdout and "never" in bare.stdout and bare.stdout.count("no limits") == 2


def test_the_words_of_the_command_line_are_those_of_the_domain() -> None:
    assert [each.name for each in policy.FusionName] == [each.name for each in domain.Fusion]
    assert [each.name for each in policy.ConflictName] == [each.name for each in domain.OnConflict]


@pytest.mark.parametrize("text", ["90s", "45m", "36h", "3d", "2w"])
def test_a_duration_is_written_as_it_is_read(text: str) -> None:
    assert duration_line(duration(text, "--option")) == text
