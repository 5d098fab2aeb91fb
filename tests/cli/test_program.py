"""The program itself: its help, its quick start, the server as a process, the model and drawing commands, the demo."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import cv2
import pytest
import typer

from gallery import GalleryClient
from gallery.cli import app
from gallery.cli.demo_server import started
from gallery.cli.exits import Exit
from gallery.errors import ServerUnavailable
from tests.cli.conftest import Run
from tests.pictures import png_of

COMMANDS = [
    ["demo"], ["serve"], ["health"], ["enrol"], ["identify"], ["verify"], ["annotate"], ["list"], ["erase"], ["draw"],
    ["calibrate"], ["doctor"], ["merge"], ["split"], ["undo"], ["galleries", "threshold"], ["galleries", "policy"],
    ["galleries", "create"], ["galleries", "show"], ["galleries", "delete"], ["model", "info"], ["model", "check"],
    ["backup"], ["restore"], ["migrate"], ["watch"],
    ["keys", "create"], ["keys", "list"], ["keys", "revoke"], ["audit", "verify"], ["audit", "show"],
]  # fmt: skip


def program(*words: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gallery.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(gallery: Run, command: list[str]) -> None:
    helped = gallery(*command, "--help")
    assert helped.code == 0
    assert f"Usage: gallery {' '.join(command)}" in helped.stdout


def test_the_commands_above_are_all() -> None:
    group: Any = typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found += [[name]] if inner is None else [[name, each] for each in inner]
    assert sorted(found) == sorted(COMMANDS)


def test_the_exit_codes_are_told_in_the_help(gallery: Run) -> None:
    helped = gallery("--help").stdout
    for code in Exit:
        assert f"{code.value} " in helped.partition("Exit codes:")[2]


def test_help_answers_without_loading_what_is_slow_to_load() -> None:
    check = (
        "import sys; import gallery.cli; "
        "slow = {'cv2', 'grpc', 'numpy', 'onnxruntime', 'pydantic', 'qdrant_client'} & set(sys.modules); "
        "sys.exit(f'loaded {slow}' if slow else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_console_script_runs_this_program() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["gallery"] == "gallery.cli:main"


def test_a_server_says_its_address_answers_and_ends_well_on_sigterm(tmp_path: Path, model_file: Path) -> None:
    with started(tmp_path / "store", model_file) as server:
        with GalleryClient(server.address, timeout=30) as client:
            client.create_gallery("lobby")
            client.enroll("lobby", "ann", [png_of(1)])
            assert client.identify("lobby", png_of(1))[0].identity_id == "ann"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0


def test_a_port_in_use_is_said_in_one_sentence(gallery: Run, address: str, model_file: Path) -> None:
    ended = gallery("serve", "--listen", address, "--store", "other", "--model", model_file)
    assert (ended.code, ended.stdout) == (Exit.REFUSED, "")
    assert f"cannot listen on {address}" in ended.stderr


def test_a_server_that_cannot_start_ends_with_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable) as failed, started(tmp_path / "store", tmp_path / "no.onnx"):
        pass
    assert "[INVALID_MODEL]" in str(failed.value) and "Traceback" not in str(failed.value)


def test_a_models_card_is_shown_and_proved(gallery: Run, model_file: Path) -> None:
    shown = gallery("model", "info", model_file, "--json").json
    assert shown["name"] == "tiny" and "golden" not in shown
    assert shown["digest"] in gallery("model", "info", model_file).stdout
    assert (shown["usual_strangeness"], "usual_strangeness" in gallery("model", "info").stdout) == (None, True)
    proved = gallery("model", "check", model_file, "--json").json
    assert proved["golden"] > 0 and proved["largest_distance"] < 1e-4
    assert "golden pictures" in gallery("model", "check", model_file).stdout


def test_a_model_that_cannot_be_trusted_is_refused(gallery: Run, model_file: Path, tmp_path: Path) -> None:
    changed = bytearray(model_file.read_bytes())
    changed[len(changed) // 3] ^= 1
    torn = tmp_path / "torn.onnx"
    torn.write_bytes(changed)
    for file in (torn, tmp_path / "nowhere.onnx"):
        ended = gallery("model", "check", file)
        assert (ended.code, ended.stdout) == (Exit.REFUSED, "")
        assert "[INVALID_MODEL]" in ended.stderr


def test_what_cannot_be_drawn_into_is_said(gallery: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = gallery("draw", tmp_path / "file")
    assert (ended.code, "cannot be written" in ended.stderr) == (Exit.USAGE, True)


def test_people_are_drawn_into_a_folder_that_can_be_enrolled(gallery: Run, on_server: list[str]) -> None:
    assert gallery("draw", "cast", "--people", 2, "--views", 2).code == Exit.DONE
    enrolled = gallery("enrol", "cast", "--json", *on_server)
    assert (enrolled.json["identities"], enrolled.json["created"]) == (2, 4)


def test_the_demo_shows_both_answers_each_right_and_writes_its_pictures(tmp_path: Path) -> None:
    ran = program("demo", "--output", tmp_path, cwd=tmp_path, env=os.environ | {"COLUMNS": "160"})
    assert ran.returncode == 0, ran.stderr
    assert "TRUE" in ran.stdout and "FALSE" in ran.stdout and "wrong" not in ran.stdout
    assert "24 of 24 templates are there" in ran.stdout
    for name in ("demo-scene.png", "demo-sheet.png"):
        assert cv2.imread(str(tmp_path / name)) is not None
