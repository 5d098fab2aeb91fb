"""A damaged store: callers are told which gallery and what to do, the server's log and operator what is damaged."""

from pathlib import Path

import pytest

from gallery import GalleryClient, image
from gallery.access import Role
from gallery.domain import StreamProbe
from gallery.errors import StoreCorrupt
from gallery.settings import Settings
from tests.access.keys import made
from tests.pictures import png_of
from tests.served import served, settings_for


@pytest.fixture
def settings(tmp_path: Path, model_file: Path) -> Settings:
    """Settings of a server whose store has a gallery 'lobby' and was closed."""
    settings = settings_for(tmp_path, model_file)
    with served(settings) as address, GalleryClient(address) as client:
        client.create_gallery("lobby")
        client.enroll("lobby", "ann", [png_of(1)])
    return settings


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"?")


def shard_of(settings: Settings) -> Path:
    return next((settings.store / "galleries" / "lobby" / "shard").rglob("page_0.dat"))


@pytest.mark.parametrize("kind", ["unary", "stream"])
def test_a_caller_is_told_the_gallery_and_the_log_the_file(
    settings: Settings, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage(shard_of(settings))

    def ask(client: GalleryClient) -> None:
        if kind == "unary":
            client.identify("lobby", png_of(1))
        (answer,) = client.identify_stream("lobby", [StreamProbe("1", image(png_of(1)))])
        assert answer.error is not None
        raise answer.error

    with served(settings) as address, GalleryClient(address) as client, pytest.raises(StoreCorrupt) as refused:
        ask(client)
    assert "'lobby'" in str(refused.value) and "backup" in str(refused.value)
    assert str(settings.store) not in f"{refused.value} {refused.value.metadata}"
    assert str(shard_of(settings)) in caplog.text


def test_a_listing_that_meets_a_damaged_gallery_names_it_to_those_who_may_know_of_it(
    settings: Settings, tmp_path: Path
) -> None:
    damage(settings.store / "galleries" / "lobby" / "gallery.json")
    keys = tmp_path / "keys.json"
    told = {}
    tokens = {name: made(keys, Role.ADMIN, name).token for name in ("lobby", "garage")}
    with served(settings.model_copy(update={"keys": keys})) as address:
        for name, token in tokens.items():
            with GalleryClient(address, api_key=token) as client, pytest.raises(StoreCorrupt) as refused:
                client.list_galleries()
            told[name] = f"{refused.value} {refused.value.metadata}"
    assert "'lobby'" in told["lobby"]
    assert "lobby" not in told["garage"]
