"""The commands as a new user runs them, on people the project draws itself."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from export.cli import app, main
from gallery.drawn_people import write_folder

TINY = ["network.architecture=mobilenet_v1", "network.alpha=0.25", "network.height=32", "network.width=32"]


def _chosen(*choices: str) -> list[str]:
    return [argument for choice in choices for argument in ("--set", choice)]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_folder(folder, range(8), range(3))
    return folder


def test_inspect_tells_what_is_there(people: Path) -> None:
    answer = CliRunner().invoke(app, ["inspect", str(people)])
    assert answer.exit_code == 0
    assert "24 (3 to 3 a person, median 3)" in answer.output


def test_train_leaves_a_model_and_tells_how_long_it_takes(people: Path, tmp_path: Path) -> None:
    quick = _chosen(*TINY, "held_out=3", "schedule.epochs=1", "identities_a_batch=4", "images_each=2")
    arguments = ["train", str(people), "--run", str(tmp_path), "--weights", "none", *quick]
    answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 0, answer.output
    assert "epoch 1: loss" in answer.output
    assert "min left" in answer.output
    assert (tmp_path / "best.keras").is_file()


def test_paper_tells_its_figures_beside_the_paper_s(people: Path, tmp_path: Path) -> None:
    quick = _chosen("architecture=mobilenet_v1", "alpha=0.25", "height=32", "width=32", "people=3", "draws=2")
    arguments = ["paper", str(people), "--run", str(tmp_path), "--weights", "none", *quick]
    answer = CliRunner().invoke(app, [*arguments, *_chosen("copies=2", "epochs=2")])
    assert answer.exit_code == 0, answer.output
    assert "0.982 [0.904–0.997]" in answer.output
    assert (tmp_path / "draw-001" / "model.h5").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "gone", "--run", "run"], "there is nothing at gone"),
        (["train", ".", "--run", "run", "--set", "schedule.epoch=3"], "a recipe has no schedule.epoch"),
        (["train", "PEOPLE", "--run", "run"], "100 of 8 people cannot be held out"),
        (["paper", "PEOPLE", "--run", "run", "--set", "people=1"], "1 people cannot be told apart"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_1(
    arguments: list[str], says: str, people: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [str(people) if argument == "PEOPLE" else argument for argument in arguments]
    monkeypatch.setattr("sys.argv", ["gallery-export", *given])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert f"gallery-export: {says}" in capsys.readouterr().err
