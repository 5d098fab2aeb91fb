"""`gallery calibrate` with a model of a few kilobytes, against strangers who are coarse noise."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

from gallery.cli import calibrate, det
from gallery.cli.exits import Exit
from gallery.cli.pictures import Portrait
from gallery.cli.strangers import embedded_strangers, strangers_in
from gallery.domain import DEFAULT_TARGET_FPIR, EncodedImage
from gallery.errors import ModelMismatch
from tests.cli.conftest import Run
from tests.pictures import png_of, views_of

TARGET = ["--target-fpir", "0.1"]


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """Twenty people with two pictures each in folders of their own, and twenty more in loose files."""
    folder = tmp_path / "strangers"
    for person in range(20):
        (folder / f"s{person}").mkdir(parents=True)
        for view, content in enumerate(views_of(100 + person, 2)):
            (folder / f"s{person}" / f"{view}.png").write_bytes(content)
        (folder / f"loose-{person}.png").write_bytes(views_of(200 + person, 1)[0])
    return folder


def test_strangers_set_the_threshold_and_the_next_answer_names_it(
    gallery: Run, where: list[str], people: Path, strangers: Path, tmp_path: Path
) -> None:
    gallery("enrol", people, *where)
    told = gallery("calibrate", "--strangers", strangers, *TARGET, "--plot", "det.png", *where)
    assert told.code == Exit.DONE, told
    for words in (
        "95% interval",
        "FPIR to expect",
        "TPIR to expect",
        "60 images of 40 strangers",
        "the target asks for 30",
        "AMBIGUOUS",
        "yes, as version 1",
    ):
        assert words in told.stdout, told.stdout
    picture = cv2.imread(str(tmp_path / "det.png"))
    assert picture is not None and picture.shape[0] > 400

    probe = people / "ann" / "0.png"
    basis = gallery("identify", probe, "--json", *where).json["people"][0]["basis"]
    assert (basis["threshold_source"], basis["threshold_version"], basis["target_fpir"]) == ("gallery", 1, 0.1)
    assert "(gallery's, version 1, for a target FPIR of 10%)" in gallery("identify", probe, *where).stderr
    (shown,) = gallery("galleries", "show", "--json", *where).json["galleries"]
    assert shown["threshold"]["origin"] == "calibrated"
    assert "calibrated" in gallery("galleries", "show", *where).stdout


def test_a_dry_run_reports_the_same_in_json_and_changes_nothing(
    gallery: Run, where: list[str], people: Path, strangers: Path
) -> None:
    gallery("enrol", people, *where)
    (strangers / "torn.png").write_bytes(b"\x89PNG torn")
    told = gallery("calibrate", "--strangers", strangers, *TARGET, "--dry-run", "--json", *where)
    report = told.json
    assert set(report) == {
        "gallery_id", "threshold", "tpir", "fpir", "det", "stranger_people", "stranger_images", "effective_strangers",
        "strangers_needed", "sufficient", "applied", "left_out", "plot",
    }  # fmt: skip
    assert (report["applied"], report["stranger_people"], report["strangers_needed"]) == (False, 40, 30)
    assert report["threshold"]["low"] <= report["threshold"]["value"] <= report["threshold"]["high"]
    assert [Path(each["path"]).name for each in report["left_out"]] == ["torn.png"]
    assert "torn.png" in told.stderr
    assert gallery("galleries", "show", "--json", *where).json["galleries"][0]["thresholds"] == []


def test_without_two_templates_of_anybody_there_is_no_curve_and_no_tpir(
    gallery: Run, on_server: list[str], people: Path, strangers: Path, tmp_path: Path
) -> None:
    for name in ("ann", "bob"):
        gallery("enrol", "--identity", name, people / name / "0.png", *on_server)
    told = gallery("calibrate", "--strangers", strangers, *TARGET, "--plot", "det.png", *on_server)
    assert (told.code, (tmp_path / "det.png").exists()) == (Exit.DONE, False)
    assert "not known" in told.stdout and "no DET curve" in told.stderr


def test_too_few_strangers_are_told_and_how_many_are_needed(
    gallery: Run, on_server: list[str], people: Path, strangers: Path
) -> None:
    gallery("enrol", people, *on_server)
    ended = gallery("calibrate", "--strangers", strangers, "--target-fpir", "0.001", *on_server)
    assert (ended.code, ended.stdout) == (Exit.REFUSED, "")
    assert "200 people at least" in ended.stderr and "[NOT_ENOUGH_EVIDENCE]" in ended.stderr


def test_evidence_that_does_not_suffice_is_said_in_words(
    gallery: Run, on_server: list[str], people: Path, strangers: Path
) -> None:
    gallery("enrol", people, *on_server)
    told = gallery("calibrate", "--strangers", strangers, "--target-fpir", "0.01", "--dry-run", *on_server)
    assert "no, by the rule of three" in told.stdout
    assert "the target asks for 300" in told.stdout and "no: a dry run" in told.stdout


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["--strangers", "strangers", "--target-fpir", "0"], Exit.REFUSED, "between 0 and 1"),
        (["--strangers", "strangers", "--target-fpir", "1"], Exit.REFUSED, "between 0 and 1"),
        (["--strangers", "strangers", "--target-fpir", "nan"], Exit.REFUSED, "between 0 and 1"),
        (["--strangers", "nowhere"], Exit.USAGE, "nowhere"),
        (["--strangers", "empty"], Exit.REFUSED, "a folder for each person"),
        ([], Exit.REFUSED, "strangers of your own"),
        (["--strangers", "strangers", *TARGET, "--camera", "roof"], Exit.REFUSED, "at least 2 identities"),
        (["--strangers", "people", *TARGET], Exit.REFUSED, "strangers"),
        (["--strangers", "strangers", "--plot", "det.gif"], Exit.USAGE, ".png"),
        (["--strangers", "strangers", *TARGET, "--plot", "nowhere/det.png"], Exit.USAGE, "folder must exist"),
        (["--captured-from", "2026-05-02", "--captured-until", "2026-05-01"], Exit.REFUSED, "captured_from before"),
        (["--captured-from", "yesterday"], Exit.USAGE, "ISO 8601"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_and_changes_nothing(
    gallery: Run,
    on_server: list[str],
    people: Path,
    strangers: Path,
    tmp_path: Path,
    words: list[str],
    code: Exit,
    hint: str,
) -> None:
    (tmp_path / "empty").mkdir()
    gallery("enrol", people, *on_server)
    ended = gallery("calibrate", *words, *on_server)
    assert (ended.code, ended.stdout) == (code, ""), ended
    assert hint in ended.stderr
    assert gallery("galleries", "show", "--json", *on_server).json["galleries"][0]["thresholds"] == []


def test_an_empty_gallery_is_not_calibrated(gallery: Run, on_server: list[str], strangers: Path) -> None:
    gallery("galleries", "create", *on_server)
    ended = gallery("calibrate", "--strangers", strangers, *TARGET, *on_server)
    assert (ended.code, "at least 2 identities" in ended.stderr) == (Exit.REFUSED, True)


def test_without_matplotlib_a_plot_is_refused_before_anything_is_changed(
    gallery: Run, on_server: list[str], people: Path, strangers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery("enrol", people, *on_server)
    monkeypatch.setattr(det, "find_spec", lambda name: None)
    ended = gallery("calibrate", "--strangers", strangers, *TARGET, "--plot", "det.png", *on_server)
    assert (ended.code, "identity-gallery[plots]" in ended.stderr) == (Exit.USAGE, True)
    assert gallery("galleries", "show", "--json", *on_server).json["galleries"][0]["thresholds"] == []


def test_a_loose_file_is_a_person_and_so_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    for path in ("ann/1.png", "ann/2.png", "ann.png", "notes.txt", ".hidden.png"):
        (tmp_path / path).write_bytes(png_of(1))
    assert [each.identity_id for each in strangers_in(tmp_path)] == ["ann", "ann", "ann.png"]


async def test_strangers_embedded_by_several_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(png_of(1))
    digests = iter("abcd")

    async def embed(image: EncodedImage) -> Any:
        return (SimpleNamespace(embedding=np.ones(8, np.float32), model_digest=next(digests)),)

    portraits = [Portrait(name, tmp_path / "one.png") for name in ("ann", "bob")]
    with pytest.raises(ModelMismatch, match="2 models"):
        await embedded_strangers(cast(Any, SimpleNamespace(embed=embed)), portraits, lambda: None)
    (_, left_out) = await embedded_strangers(
        cast(Any, SimpleNamespace(embed=embed)), [portraits[0], replace(portraits[1], path=tmp_path)], lambda: None
    )
    assert [each.path for each in left_out] == [tmp_path]


def test_the_target_that_the_help_shows_is_the_use_cases_own() -> None:
    assert calibrate.DEFAULT_TARGET == DEFAULT_TARGET_FPIR
