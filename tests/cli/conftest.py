"""The command line on a server and on a store folder alike, with a model of a few kilobytes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from gallery.cli import app
from tests.pictures import views_of
from tests.served import served, settings_for


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SERVER", "STORE", "MODEL", "NAME", "LISTEN", "QDRANT_URL", "CONFIG", "KEYS", "AUDIT", "API_KEY"):
        monkeypatch.delenv(f"GALLERY_{name}", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def gallery() -> Run:
    def run(*words: object, answer: str | None = None) -> Ran:
        result = CliRunner().invoke(app, [str(word) for word in words], input=answer, prog_name="gallery")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Iterator[str]:
    with served(settings_for(tmp_path_factory.mktemp("served"), model_file)) as address:
        yield address


@pytest.fixture(params=["server", "store"])
def where(request: pytest.FixtureRequest, tmp_path: Path, model_file: Path) -> list[str]:
    """The options that name the target, and a gallery that nobody else uses."""
    if request.param == "store":
        target = ["--store", str(tmp_path / "store"), "--model", str(model_file)]
    else:
        target = ["--server", request.getfixturevalue("address"), "--timeout", "60"]
    return [*target, "--gallery", f"g-{uuid4().hex}"]


@pytest.fixture
def on_server(address: str) -> list[str]:
    return ["--server", address, "--timeout", "60", "--gallery", f"g-{uuid4().hex}"]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder of two people, ann and bob, with two images each."""
    folder = tmp_path / "people"
    for index, name in enumerate(("ann", "bob")):
        (folder / name).mkdir(parents=True)
        for view, content in enumerate(views_of(index, 2)):
            (folder / name / f"{view}.png").write_bytes(content)
    return folder
