from pathlib import Path

import cv2
import pytest

from gallery.cli.exits import Exit
from tests.cli.conftest import Run
from tests.pictures import png_of
from tests.served import served, settings_for

NEAR = ["--threshold", "0.05"]


def test_a_folder_of_people_is_enrolled_identified_verified_listed_annotated_and_erased(
    gallery: Run, where: list[str], people: Path, tmp_path: Path
) -> None:
    enrolled = gallery("enrol", people, *where)
    assert enrolled.code == Exit.DONE
    assert "4 images of 2 people enrolled" in enrolled.stdout
    assert "created the gallery" in enrolled.stderr

    probe = people / "bob" / "1.png"
    known = gallery("identify", probe, *NEAR, *where)
    assert known.code == Exit.DONE
    assert "TRUE" in known.stdout and "bob 0.0" in known.stdout and "threshold 0.05 (request's)" in known.stderr

    assert gallery("verify", probe, "--identity", "bob", *NEAR, *where).code == Exit.DONE
    assert gallery("verify", probe, people / "ann" / "0.png", *NEAR, *where).code == Exit.NO_MATCH
    assert gallery("verify", probe, probe, *NEAR, *where).code == Exit.DONE

    assert [line.split()[1:4:2] for line in gallery("list", *where).stdout.splitlines() if "│" in line] == [
        ["ann", "2"],
        ["bob", "2"],
    ]
    assert gallery("list", "--identity", "bob", *where).stdout.count("whole picture") == 2
    assert where[-1] in gallery("list", "--galleries", *where).stdout

    drawn = gallery("annotate", probe, "-o", tmp_path / "seen.png", *NEAR, *where)
    assert drawn.code == Exit.DONE
    assert cv2.imread(str(tmp_path / "seen.png")) is not None

    erased = gallery("erase", "bob", "--yes", *where)
    assert erased.code == Exit.DONE
    assert erased.stdout.startswith("erased 'bob': 2 templates, receipt ")
    assert gallery("identify", probe, *NEAR, *where).code == Exit.NO_MATCH
    assert gallery("erase", "bob", "--yes", *where).code == Exit.REFUSED
    assert gallery("galleries", "delete", "--yes", *where).stdout.startswith(
        f"deleted the gallery '{where[-1]}': 2 templates"
    )
    assert gallery("list", *where).code == Exit.REFUSED


def test_json_is_all_of_standard_output_and_keeps_its_names(
    gallery: Run, where: list[str], people: Path, tmp_path: Path
) -> None:
    enrolled = gallery("enrol", people, "--json", *where)
    summary = enrolled.json
    assert summary.pop("seconds") > 0 and summary.pop("rate") > 0
    assert summary == {"gallery_id": where[-1], "identities": 2, "created": 4, "unchanged": 0, "report": None} | {
        "skipped": 0, "duplicates": 0, "refused_count": 0, "unavailable_count": 0, "refused_by_reason": {},
        "conflicting_count": 0, "refused": [], "conflicting": [],
    }  # fmt: skip
    again = gallery("enrol", people, "--json", *where)
    assert (again.json["created"], again.json["unchanged"]) == (0, 4)

    probe = people / "ann" / "0.png"
    (person,) = gallery("identify", probe, "--top", 1, "--json", *NEAR, *where).json["people"]
    named = {"region", "matched", "outcome", "identity_id", "candidates", "runner_up", "margin", "quality", "basis"}
    assert set(person) == named
    assert (person["outcome"], len(person["candidates"]), person["runner_up"]["identity_id"]) == ("MATCH", 1, "bob")
    assert person["margin"] == pytest.approx(person["runner_up"]["distance"] - person["candidates"][0]["distance"])
    assert set(person["quality"]) >= {"width", "height", "sharpness", "brightness", "contrast", "reasons"}
    assert (person["matched"], person["identity_id"], person["region"]) == (True, "ann", None)
    assert set(person["candidates"][0]) == {"identity_id", "distance", "template_id"}
    assert set(person["basis"]) == {
        "threshold", "threshold_source", "threshold_version", "target_fpir", "margin", "model_digest", "metric"
    }  # fmt: skip

    verified = gallery("verify", probe, "--identity", "bob", "--json", *NEAR, *where)
    assert (verified.code, verified.json["matched"], verified.json["outcome"]) == (Exit.NO_MATCH, False, "NO_MATCH")
    assert set(verified.json) == {"matched", "outcome", "distance", "quality", "basis"}
    assert gallery("list", "--json", *where).json == {
        "gallery_id": where[-1],
        "identities": [{"identity_id": name, "template_count": 2} for name in ("ann", "bob")],
    }
    templates = gallery("list", "--identity", "ann", "--json", *where).json["templates"]
    assert set(templates[0]) == {
        "template_id", "identity_id", "image_digest", "enrolled_at", "model_digest", "region", "expires_at", "context"
    }  # fmt: skip
    shown = gallery("galleries", "show", "--json", *where).json["galleries"][0]
    assert (shown["gallery_id"], shown["threshold"]) == (where[-1], None)
    drawn = gallery("annotate", probe, "-o", tmp_path / "seen.jpg", "--json", *NEAR, *where).json
    assert drawn["output"] == str(tmp_path / "seen.jpg")

    one = templates[0]["template_id"]
    assert gallery("erase", "bob", "--template", one, "--yes", *where).code == Exit.USAGE
    erased = gallery("erase", "ann", "--template", one, "--yes", "--json", *where)
    assert erased.json.keys() == {"gallery_id", "identity_id", "deleted_template_count", "receipt_id", "erased_at"}
    assert erased.json["deleted_template_count"] == 1


def test_an_unreadable_image_is_told_at_the_end_and_does_not_stop_the_rest(
    gallery: Run, where: list[str], people: Path
) -> None:
    (people / "ann" / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn")
    (people / "bob" / "empty.png").write_bytes(b"")
    (people / "bob" / "notes.txt").write_text("no image, no report")
    enrolled = gallery("enrol", people, "--json", *where)
    assert enrolled.code == Exit.NO_MATCH
    assert enrolled.json["created"] == 4
    assert sorted((Path(each["path"]).name, each["identity_id"]) for each in enrolled.json["refused"]) == [
        ("empty.png", "bob"),
        ("torn.jpg", "ann"),
    ]
    assert all(each["reason"] and each["message"] for each in enrolled.json["refused"])
    table = gallery("enrol", people, *where)
    assert "2 images were not enrolled" in table.stdout
    assert "4 were enrolled before" in table.stdout


def test_images_of_one_person_are_enrolled_by_name(gallery: Run, on_server: list[str], people: Path) -> None:
    images = sorted((people / "ann").iterdir())
    assert gallery("enrol", "--identity", "anna", *images, *on_server).code == Exit.DONE
    listed = gallery("list", "--json", *on_server).json["identities"]
    assert listed == [{"identity_id": "anna", "template_count": 2}]


def test_several_regions_get_an_answer_each_and_every_one_must_match_for_true(
    gallery: Run, on_server: list[str], tmp_path: Path
) -> None:
    picture = tmp_path / "frame.png"
    picture.write_bytes(png_of(1, height=64, width=64))
    regions = ["--region", "0,0,32,64", "--region", "32, 0, 32, 64"]
    gallery("galleries", "create", *on_server)
    answered = gallery("identify", picture, *regions, "--json", *on_server)
    assert answered.code == Exit.NO_MATCH
    assert [person["region"]["x"] for person in answered.json["people"]] == [0, 32]
    assert "32x64+32+0" in gallery("identify", picture, *regions, *on_server).stdout


def test_a_named_gallery_lends_its_threshold_to_two_images(gallery: Run, on_server: list[str], people: Path) -> None:
    gallery("galleries", "create", "--threshold", "1.75", *on_server)
    images = sorted((people / "ann").iterdir())
    lent = gallery("verify", *images, "--json", *on_server).json["basis"]
    own = gallery("verify", *images, "--json", *on_server[:-2]).json["basis"]
    assert (lent["threshold"], lent["threshold_source"], own["threshold_source"]) == (1.75, "gallery", "model")


def test_an_identity_that_looks_like_markup_is_printed_as_it_is(
    gallery: Run, on_server: list[str], people: Path
) -> None:
    gallery("enrol", "--identity", "[bold]ann[/bold]", people / "ann" / "0.png", *on_server)
    assert "[bold]ann[/bold]" in gallery("list", *on_server).stdout


def test_erasing_asks_first(gallery: Run, on_server: list[str], people: Path) -> None:
    gallery("enrol", people, *on_server)
    assert gallery("erase", "ann", *on_server, answer="n\n").code == 1
    assert "ann" in gallery("list", *on_server).stdout
    assert gallery("erase", "ann", *on_server, answer="y\n").code == Exit.DONE
    assert "ann" not in gallery("list", *on_server).stdout


def test_a_gallery_is_created_with_its_own_threshold(gallery: Run, where: list[str], people: Path) -> None:
    created = gallery("galleries", "create", "--threshold", "0.05", "--json", *where)
    assert created.json["galleries"][0]["threshold"]["value"] == 0.05
    gallery("enrol", people, *where)
    (person,) = gallery("identify", people / "ann" / "0.png", "--json", *where).json["people"]
    assert (person["matched"], person["basis"]["threshold_source"]) == (True, "gallery")
    assert gallery("galleries", "create", *where).code == Exit.REFUSED


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["identify", "nowhere.png"], Exit.REFUSED, "nowhere.png"),
        (["identify", "probe.png", "--region", "1,2,3"], Exit.USAGE, "x,y,width,height"),
        (["identify", "probe.png", "--region", "0,0,0,5"], Exit.REFUSED, "empty"),
        (["identify", "probe.png", "--region", "900,0,5,5"], Exit.REFUSED, "outside"),
        (["identify", "probe.png", "--threshold", "3"], Exit.REFUSED, "0 to 2"),
        (["identify", "probe.png", "--threshold", "nan"], Exit.REFUSED, "0 to 2"),
        (["identify", "probe.png", "--top", "0"], Exit.REFUSED, "max_candidates"),
        (["identify", "text.png"], Exit.REFUSED, "JPEG"),
        (["identify", "probe.png", "--gallery", "nobody-made-this"], Exit.REFUSED, "nobody-made-this"),
        (["identify", "probe.png", "--gallery", "No Id"], Exit.REFUSED, "a-z"),
        (["verify", "probe.png"], Exit.USAGE, "second IMAGE"),
        (["verify", "probe.png", "probe.png", "--identity", "ann"], Exit.USAGE, "second IMAGE"),
        (["verify", "probe.png", "--identity", "nobody"], Exit.REFUSED, "nobody"),
        (["enrol", "nowhere"], Exit.USAGE, "nowhere"),
        (["enrol", "probe.png"], Exit.USAGE, "--identity"),
        (["enrol", "empty-folder"], Exit.REFUSED, "a folder for each person"),
        (["enrol", "empty-folder", "--identity", "ann"], Exit.USAGE, "is a folder"),
        (["list", "--galleries", "--identity", "ann"], Exit.USAGE, "choose one"),
        (["list", "--store", "somewhere"], Exit.USAGE, "not on both"),
        (["erase", "nobody", "--yes"], Exit.REFUSED, "nobody"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_its_exit_code(
    gallery: Run, on_server: list[str], tmp_path: Path, words: list[str], code: Exit, hint: str
) -> None:
    (tmp_path / "probe.png").write_bytes(png_of(1))
    (tmp_path / "text.png").write_text("no picture at all")
    (tmp_path / "empty-folder").mkdir()
    gallery("galleries", "create", *on_server)
    ended = gallery(*words, *(on_server if "--gallery" not in words else on_server[:-2]))
    assert ended.code == code, ended
    assert hint in ended.stderr, ended
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_server_that_is_not_there_is_unavailable(gallery: Run) -> None:
    ended = gallery("list", "--server", "127.0.0.1:1")
    assert ended.code == Exit.UNAVAILABLE
    assert "gallery serve" in ended.stderr and "--store" in ended.stderr and "[SERVER_UNAVAILABLE]" in ended.stderr


def test_the_environment_names_the_server(gallery: Run, on_server: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_SERVER", on_server[1])
    assert gallery("list", "--galleries").code == Exit.DONE
    monkeypatch.setenv("GALLERY_SERVER", "127.0.0.1:1")
    assert gallery("list", "--galleries").code == Exit.UNAVAILABLE


def test_a_store_folder_that_is_not_there_is_not_made_by_a_question(gallery: Run, tmp_path: Path) -> None:
    ended = gallery("list", "--store", tmp_path / "typo")
    assert (ended.code, (tmp_path / "typo").exists()) == (Exit.USAGE, False)
    assert "typo" in ended.stderr


def test_a_store_folder_in_use_is_said(gallery: Run, tmp_path: Path, model_file: Path) -> None:
    settings = settings_for(tmp_path, model_file)
    with served(settings):
        ended = gallery("list", "--store", settings.store, "--model", model_file)
    assert ended.code == Exit.UNAVAILABLE
    assert str(settings.store) in ended.stderr


def test_json_keeps_the_names_of_all_alphabets(gallery: Run, on_server: list[str], people: Path) -> None:
    gallery("enrol", "--identity", "Зоя", people / "ann" / "0.png", *on_server)
    assert '"Зоя"' in gallery("list", "--json", *on_server).stdout
