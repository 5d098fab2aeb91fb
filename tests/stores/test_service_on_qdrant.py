"""The whole service on a real Qdrant server: two gallery servers on one Qdrant see the same people."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gallery import GalleryClient
from gallery.errors import IdentityNotFound
from gallery.settings import Settings
from tests.pictures import png_of
from tests.qdrant_server import Address
from tests.served import served, settings_for


@pytest.fixture
def settings(qdrant: Address, tmp_path: Path, model_file: Path) -> Settings:
    where = {"qdrant_url": qdrant.url, "qdrant_grpc_port": qdrant.grpc_port}
    return settings_for(tmp_path, model_file).model_copy(update=where)


@contextmanager
def on_two_servers(settings: Settings) -> Iterator[tuple[GalleryClient, GalleryClient, str]]:
    """A client of each of two servers with the same settings, and an empty gallery."""
    lobby = f"test-{uuid.uuid4().hex[:12]}"
    with (
        served(settings) as one,
        served(settings) as other,
        GalleryClient(one, timeout=30) as here,
        GalleryClient(other, timeout=30) as there,
    ):
        here.create_gallery(lobby)
        yield here, there, lobby


def test_what_one_server_enrols_another_identifies_and_what_one_erases_is_gone_for_both(settings: Settings) -> None:
    with on_two_servers(settings) as (here, there, lobby):
        for person in range(3):
            assert here.enroll(lobby, f"person-{person}", [png_of(person)]).templates[0].created
            assert not there.enroll(lobby, f"person-{person}", [png_of(person)]).templates[0].created
        assert there.identify(lobby, png_of(1))[0].identity_id == "person-1"
        assert there.delete_identity(lobby, "person-1").template_count == 1
        with pytest.raises(IdentityNotFound):
            here.get_identity(lobby, "person-1")
        assert "person-1" not in [near.identity_id for near in here.identify(lobby, png_of(1))[0].candidates]
        assert there.delete_gallery(lobby).template_count == 2


def test_a_threshold_that_one_server_pins_is_applied_by_the_other(settings: Settings) -> None:
    with on_two_servers(settings) as (here, there, lobby):
        there.enroll(lobby, "ann", [png_of(1)])
        here.update_gallery(lobby, pinned_threshold=0.125)
        for _ in range(200):  # a server may remember the gallery for a second
            basis = there.identify(lobby, png_of(1))[0].basis
            if basis.threshold_version == 1:
                break
            time.sleep(0.05)
        assert (basis.threshold, basis.threshold_version) == (0.125, 1)
        here.delete_gallery(lobby)
