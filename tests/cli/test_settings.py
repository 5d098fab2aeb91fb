"""A setting is declared once: its flag, its variable, its key in the settings file, and which of them wins."""

import tomllib
from pathlib import Path

import pytest

from gallery.cli.exits import Exit
from gallery.settings import Settings
from gallery.settings.declared import declared
from tests.cli.conftest import Run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "gallery.toml"
    file.write_text('workers = 3\nqueue = 30\ngrace = 3.5\nstore = "kept"\nqdrant_api_key = "hidden"\n')
    return file


def test_serve_shows_every_setting_with_its_flag_description_variable_and_default(gallery: Run) -> None:
    shown = " ".join(gallery("serve", "--help").stdout.replace("│", " ").split())
    for setting in declared(Settings):
        flag, _, entry = shown.partition(f"--{setting.name.replace('_', '-')} ")
        entry = entry[: len(setting.description) + len(setting.variable) + 160]
        assert setting.description and setting.description in entry, flag
        assert f"[env var: {setting.variable}]" in entry
        assert f"[default: ({setting.default})]" in entry or not setting.default


def test_a_flag_goes_before_a_variable_that_before_the_file_and_that_before_the_default(
    gallery: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALLERY_QUEUE", "20")
    monkeypatch.setenv("GALLERY_WORKERS", "2")
    shown = gallery("serve", "--config", file, "--workers", 1, "--print-config").stdout
    assert "workers = 1  # flag" in shown
    assert "queue = 20  # GALLERY_QUEUE" in shown
    assert f"grace = 3.5  # {file}" in shown
    assert "qdrant_grpc_port = 6334  # default" in shown


def test_the_environment_can_name_the_file(gallery: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_CONFIG", str(file))
    assert (Settings().queue, Settings(queue=9).queue) == (30, 9)
    assert "queue = 30" in gallery("serve", "--print-config").stdout


def test_the_settings_shown_are_a_settings_file_that_gives_the_same_settings(
    gallery: Run, file: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.toml"
    again.write_text(gallery("serve", "--config", file, "--print-config").stdout)
    secret_again = Settings(config=again, qdrant_api_key="hidden")  # type: ignore[arg-type]  # read from text
    assert secret_again.model_dump(exclude={"config"}) == Settings(config=file).model_dump(exclude={"config"})


def test_a_secret_is_said_to_be_set_and_never_shown(gallery: Run, file: Path) -> None:
    shown = gallery("serve", "--config", file, "--print-config").stdout
    assert "qdrant_api_key is set" in shown and "hidden" not in shown
    assert "qdrant_api_key" not in tomllib.loads(shown)


def test_a_password_in_a_url_is_refused_and_not_repeated(gallery: Run) -> None:
    urls = "http://one:6333, http://me:hunter2@two:6333"
    ended = gallery("serve", "--qdrant-url", urls, "--print-config")
    assert (ended.code, "without a name or password" in ended.stderr) == (Exit.USAGE, True)
    assert "hunter2" not in ended.stderr + ended.stdout
    several = "http://one:6333, http://two:6333,"
    assert f'qdrant_url = "{several}"' in gallery("serve", "--qdrant-url", several, "--print-config").stdout


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("wrokers = 3", "sets 'wrokers', which is no setting; expected 'workers'"),
        ('config = "other.toml"', "sets 'config', which is no setting"),
        ("workers = ", "is not TOML"),
        ("workers = 0", "workers in the settings file: Input should be greater than or equal to 1"),
        ('listen = "localhost"', "Input should be host:port with a port from 0 to 65535 (it is 'localhost')"),
        ('listen = "localhost:70000"', "Input should be host:port with a port from 0 to 65535"),
        ('qdrant_url = "qdrant:6333"', "Input should be a URL such as http://qdrant:6333"),
        ('qdrant_url = "http://one:6333,two:6333"', "Input should be a URL such as http://qdrant:6333"),
        ('qdrant_url = "http://:6333"', "Input should be a URL such as http://qdrant:6333"),
    ],
)
def test_a_settings_file_that_cannot_be_meant_is_wrong_usage(
    gallery: Run, tmp_path: Path, content: str, sentence: str
) -> None:
    (tmp_path / "wrong.toml").write_text(content)
    ended = gallery("serve", "--config", tmp_path / "wrong.toml")
    assert ended.code == Exit.USAGE
    assert sentence in " ".join(ended.stderr.replace("│", " ").split())


def test_a_settings_file_that_is_not_there_is_wrong_usage_not_the_defaults(gallery: Run, tmp_path: Path) -> None:
    ended = gallery("serve", "--config", tmp_path / "nowhere.toml")
    assert (ended.code, "cannot be read" in ended.stderr) == (Exit.USAGE, True)
