"""`gallery health`, as containers ask it."""

import socket
from pathlib import Path

import pytest

from gallery.cli.exits import Exit
from tests.cli.conftest import Run
from tests.served import served, settings_for


def test_a_server_that_serves_says_so_by_part(gallery: Run, tmp_path: Path, model_file: Path) -> None:
    with served(settings_for(tmp_path, model_file)) as address:
        asked = gallery("health", "--listen", address)
    assert asked.code == Exit.DONE
    assert asked.stdout.splitlines() == ["the whole: SERVING", "model: SERVING", "store: SERVING"]


def test_where_nobody_answers_the_exit_code_says_unavailable(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("GALLERY_LISTEN", f"127.0.0.1:{free.getsockname()[1]}")
        asked = gallery("health")
    assert asked.code == Exit.UNAVAILABLE
    assert "no gallery server answers" in asked.stderr
