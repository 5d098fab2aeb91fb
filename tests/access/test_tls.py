"""TLS, certificates of clients, and that a server does not stand open unsaid."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from gallery import GalleryClient, Tls
from gallery.access import Role, check_exposure, is_loopback
from gallery.audit import find
from gallery.client.security import checked_key
from gallery.errors import InvalidParameter, ServerUnavailable, Unauthenticated
from gallery.server import running
from gallery.settings import Settings
from tests.access.conftest import Authority, Serve
from tests.access.keys import made
from tests.served import settings_for

QUICK = 5.0


def test_a_client_that_trusts_the_authority_is_answered_and_others_are_not(authority: Authority, serve: Serve) -> None:
    certificate, key = authority.issue("localhost")
    address = serve(listen="localhost:0", tls_cert=certificate, tls_key=key)
    with GalleryClient(address, tls=Tls(authority.root)) as client:
        assert client.list_galleries().items == ()
    stranger = Authority(authority.folder / "elsewhere", trustme.CA())
    stranger.folder.mkdir()
    for tls in (Tls(stranger.root), Tls(), None):
        with GalleryClient(address, tls=tls, timeout=QUICK) as client, pytest.raises(ServerUnavailable):
            client.list_galleries()


def test_with_an_authority_of_clients_a_certificate_is_needed_beside_the_key(
    authority: Authority, serve: Serve, tmp_path: Path
) -> None:
    certificate, key = authority.issue("localhost")
    camera, camera_key = authority.issue("camera", common_name="camera-7")
    api_key = made(tmp_path / "keys.json", Role.ADMIN)
    address = serve(
        listen="localhost:0",
        tls_cert=certificate,
        tls_key=key,
        tls_client_ca=authority.root,
        keys=tmp_path / "keys.json",
        audit=tmp_path / "audit",
    )
    shown = Tls(authority.root, camera, camera_key)
    with GalleryClient(address, api_key=api_key.token, tls=shown) as client:
        client.create_gallery("lobby")
    with GalleryClient(address, tls=shown) as client, pytest.raises(Unauthenticated):
        client.list_galleries()
    other = Authority(tmp_path / "other", trustme.CA())
    other.folder.mkdir()
    for tls in (Tls(authority.root), Tls(authority.root, *other.issue("camera"))):
        client = GalleryClient(address, api_key=api_key.token, tls=tls, timeout=QUICK)
        with client, pytest.raises(ServerUnavailable):
            client.list_galleries()
    (created,) = [entry.event for entry in find(tmp_path / "audit") if entry.event.call == "CreateGallery"]
    assert (created.who, created.certificate) == (api_key.key.key_id, "camera-7")


def test_a_new_certificate_is_taken_without_a_restart(authority: Authority, serve: Serve) -> None:
    certificate, key = authority.issue("localhost")
    address = serve(listen="localhost:0", tls_cert=certificate, tls_key=key)
    with GalleryClient(address, tls=Tls(authority.root)) as client:
        client.list_galleries()
    successor = Authority(authority.folder / "successor", trustme.CA())
    successor.folder.mkdir()
    for old, new in zip((certificate, key), successor.issue("localhost"), strict=True):
        new.replace(old)
    with GalleryClient(address, tls=Tls(successor.root), timeout=QUICK) as client:
        client.list_galleries()
    with GalleryClient(address, tls=Tls(authority.root), timeout=QUICK) as client, pytest.raises(ServerUnavailable):
        client.list_galleries()
    certificate.unlink()  # half-way through the next change: what was there goes on
    with GalleryClient(address, tls=Tls(successor.root), timeout=QUICK) as client:
        client.list_galleries()


async def test_a_certificate_that_is_missing_or_none_is_refused_at_the_start(
    authority: Authority, tmp_path: Path, model_file: Path
) -> None:
    certificate, key = authority.issue("localhost")
    settings = settings_for(tmp_path, model_file).model_copy(update={"tls_cert": certificate, "tls_key": key})
    certificate.write_text("no certificate")
    with pytest.raises(InvalidParameter, match="a certificate and the key of it"):
        async with running(settings):
            pass
    certificate.unlink()
    with pytest.raises(InvalidParameter, match="cannot be read"):
        async with running(settings):
            pass


@pytest.mark.parametrize(
    ("address", "alone"),
    [
        ("127.0.0.1:50051", True),
        ("127.9.9.9:1", True),
        ("localhost:50051", True),
        ("[::1]:50051", True),
        ("unix:/run/gallery.sock", True),
        ("0.0.0.0:50051", False),
        ("[::]:50051", False),
        ("10.0.0.7:50051", False),
        ("gallery.example:50051", False),
        ("127.0.0.1.example:50051", False),
        (":50051", False),
    ],
)
def test_what_listens_for_this_machine_alone(address: str, alone: bool) -> None:
    assert is_loopback(address) is alone


FILE = Path("some-file")


def test_a_socket_of_this_machine_is_named_as_it_is(serve: Serve, tmp_path: Path) -> None:
    address = serve(listen=f"unix:{tmp_path / 'socket'}")
    assert address == f"unix:{tmp_path / 'socket'}"
    with GalleryClient(address) as client:
        assert client.list_galleries().items == ()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "--allow-plaintext"),
        ({"keys": FILE}, "--allow-plaintext"),
        ({"allow_anonymous": True}, "--allow-plaintext"),
        ({"tls_cert": FILE, "tls_key": FILE}, "--allow-anonymous"),
        ({"allow_plaintext": True}, "--allow-anonymous"),
        ({"tls_cert": FILE, "tls_key": FILE, "tls_client_ca": FILE}, "--allow-anonymous"),
        ({"tls_cert": FILE, "tls_key": FILE, "keys": FILE}, None),
        ({"allow_plaintext": True, "keys": FILE}, None),
        ({"allow_plaintext": True, "allow_anonymous": True}, None),
    ],
)
def test_a_server_that_others_reach_says_by_name_what_it_goes_without(given: dict[str, Any], named: str | None) -> None:
    settings = Settings(listen="0.0.0.0:50051", **given)
    if named is None:
        check_exposure(settings)
        return
    with pytest.raises(InvalidParameter, match=named):
        check_exposure(settings)
    check_exposure(settings.model_copy(update={"listen": "127.0.0.1:50051"}))


@pytest.mark.parametrize("given", [{"tls_cert": FILE}, {"tls_key": FILE}, {"tls_client_ca": FILE}])
def test_settings_of_tls_go_together(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match="tls"):
        check_exposure(Settings(**given))


def test_the_program_refuses_to_start_openly_before_it_opens_anything(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GALLERY_")}
    ended = subprocess.run(
        [sys.executable, "-m", "gallery.cli", "serve", "--listen", "0.0.0.0:0", "--store", "store"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 3
    assert "--tls-cert" in ended.stderr and "--allow-plaintext" in ended.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("address", ["10.0.0.7:50051", "gallery.example:50051", "dns:gallery.example:50051"])
def test_a_client_sends_no_key_in_the_clear_to_another_machine(address: str) -> None:
    with pytest.raises(InvalidParameter, match="in the clear"):
        GalleryClient(address, api_key="gk_x")
    GalleryClient(address, api_key="gk_x", allow_plaintext_key=True).close()
    GalleryClient(address, api_key="gk_x", tls=Tls()).close()
    GalleryClient("localhost:50051", api_key="gk_x").close()


@pytest.mark.parametrize("key", ["", "with space", "with\nline", "käse"])
def test_what_cannot_be_a_key_is_not_sent_and_not_repeated(key: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        checked_key(key, "127.0.0.1:50051", in_the_clear=True)
    assert not key or key not in str(refused.value)


def test_a_clients_certificate_goes_with_its_key(authority: Authority) -> None:
    certificate, _ = authority.issue("camera")
    with pytest.raises(InvalidParameter, match="both certificate and key"):
        Tls(authority.root, certificate).credentials()
    with pytest.raises(InvalidParameter, match="cannot be read"):
        Tls(authority.folder / "nowhere").credentials()
