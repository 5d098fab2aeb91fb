"""`gallery doctor --system`: what a server would meet here, and what to do about it."""

import asyncio
import shutil
import socket
import ssl
import time
import uuid
from collections import namedtuple
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from gallery.checkup import State
from gallery.checkup.access import certificate_check, shown
from gallery.checkup.machine import clock_check
from gallery.cli.exits import Exit
from gallery.qdrant_store import Mended, QdrantStore
from tests.cli.conftest import Run
from tests.qdrant_server import Address
from tests.served import served, settings_for
from tests.stores.samples import make_gallery


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_file: Path) -> None:
    for name, value in {"LISTEN": "127.0.0.1:0", "MODEL": model_file, "STORE": tmp_path / "store"}.items():
        monkeypatch.setenv(f"GALLERY_{name}", str(value))


def checked(gallery: Run, *words: object) -> tuple[int, dict[str, Any]]:
    ran = gallery("doctor", "--system", "--json", *words)
    return ran.code, {check["name"]: check for check in ran.json["checks"]}


def test_where_a_server_can_run_nothing_is_wrong_and_nothing_is_made(gallery: Run, tmp_path: Path) -> None:
    code, checks = checked(gallery)
    assert code == Exit.DONE
    assert {check["state"] for check in checks.values()} <= {"good", "warning"}
    assert checks["model"]["found"].startswith("tiny")
    assert "ms a picture" in checks["speed"]["found"]
    assert "will be made" in checks["store folder"]["found"] and not (tmp_path / "store").exists()
    shown = gallery("doctor", "--system").stdout
    assert "✓" in shown and "✗" not in shown and "a server can run here" in shown


def test_a_store_that_is_there_is_opened_and_counted(gallery: Run, tmp_path: Path, people: Path) -> None:
    gallery("enrol", people, "--store", tmp_path / "store")
    assert checked(gallery)[1]["store folder"]["found"].endswith("answers, 1 galleries")


def test_a_damaged_gallery_is_found_and_its_file_named(gallery: Run, tmp_path: Path, people: Path) -> None:
    gallery("enrol", people, "--store", tmp_path / "store")
    damaged = next((tmp_path / "store").rglob("page_0.dat"))
    damaged.write_bytes(b"?" + damaged.read_bytes()[1:])
    code, checks = checked(gallery)
    assert code == Exit.NO_MATCH
    assert str(damaged) in checks["store folder"]["found"]


def test_a_model_that_cannot_be_trusted_fails(gallery: Run, tmp_path: Path) -> None:
    code, checks = checked(gallery, "--store", tmp_path / "store", "--model", tmp_path / "no.onnx")
    assert (code, checks["model"]["state"]) == (Exit.NO_MATCH, "bad")
    assert "cannot be read" in checks["model"]["found"] and checks["model"]["remedy"]
    shown = gallery("doctor", "--system", "--store", tmp_path / "store", "--model", tmp_path / "no.onnx")
    assert "✗" in shown.stdout and "checks failed" in shown.stdout


def test_a_running_server_is_asked_how_it_is(gallery: Run, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_LISTEN", address)
    code, checks = checked(gallery)
    assert (code, checks["address"]["found"]) == (Exit.DONE, f"a server answers at {address}, SERVING")


def test_an_address_that_something_else_has_fails(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(20)
        monkeypatch.setenv("GALLERY_LISTEN", f"127.0.0.1:{other.getsockname()[1]}")
        monkeypatch.setattr("gallery.checkup.address._SECONDS", 0.2)
        code, checks = checked(gallery)
    assert (code, checks["address"]["state"]) == (Exit.NO_MATCH, "bad")
    assert "taken by something else" in checks["address"]["found"]


def test_an_address_that_this_machine_cannot_have_fails(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_LISTEN", "192.0.2.1:50051")
    code, checks = checked(gallery)
    assert (code, "cannot be listened on" in checks["address"]["found"]) == (Exit.NO_MATCH, True)


def test_a_folder_that_cannot_be_written_fails(gallery: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("GALLERY_STORE", str(tmp_path / "file" / "store"))
    code, checks = checked(gallery)
    assert (code, checks["store folder"]["state"]) == (Exit.NO_MATCH, "bad")


def test_a_disk_that_is_nearly_full_is_said_and_a_full_one_fails(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # as shutil's own
    for free, state in ((2**29, "warning"), (2**20, "bad")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(2**40, 0, free))
        assert checked(gallery)[1]["disk"]["state"] == state


def test_a_qdrant_server_that_does_not_answer_fails(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_QDRANT_URL", "http://127.0.0.1:1")
    code, checks = checked(gallery)
    assert (code, checks["Qdrant"]["state"]) == (Exit.NO_MATCH, "bad")


@pytest.fixture
def on_qdrant(qdrant: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a Qdrant server with a gallery on it."""
    monkeypatch.setenv("GALLERY_QDRANT_URL", qdrant.url)
    monkeypatch.setenv("GALLERY_QDRANT_GRPC_PORT", str(qdrant.grpc_port))

    async def create_gallery() -> None:
        store = QdrantStore(qdrant.url, grpc_port=qdrant.grpc_port)
        await store.create_gallery(make_gallery(f"doctor-{uuid.uuid4().hex[:8]}"))
        await store.close()

    asyncio.run(create_gallery())


@pytest.mark.usefixtures("on_qdrant")
def test_replicas_of_a_qdrant_server_that_are_behind_are_said(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(gallery)[1]["Qdrant replicas"]["found"]
    assert found.endswith(", all Active") and not found.startswith("0")

    async def states(self: QdrantStore) -> dict[str, str]:
        return {"shard 0 of gallery_lobby.0 on peer 1": "Active", "shard 0 of gallery_lobby.0 on peer 2": "Dead"}

    monkeypatch.setattr(QdrantStore, "replica_states", states)
    code, checks = checked(gallery)
    assert (code, checks["Qdrant replicas"]["state"]) == (Exit.DONE, "warning")
    assert "1 of 2 are behind: shard 0 of gallery_lobby.0 on peer 2 is Dead" in checks["Qdrant replicas"]["found"]


@pytest.mark.usefixtures("on_qdrant")
def test_templates_that_an_active_replica_lacks_are_said(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def uneven(self: QdrantStore, gallery_id: str) -> dict[str, str]:
        return {f"template-of-{gallery_id}": "ann"}

    monkeypatch.setattr(QdrantStore, "uneven", uneven)
    code, checks = checked(gallery)
    assert (code, checks["Qdrant replicas"]["state"]) == (Exit.DONE, "warning")
    assert "templates are not on every replica: ann in doctor-" in checks["Qdrant replicas"]["found"]


@pytest.mark.usefixtures("on_qdrant")
@pytest.mark.parametrize(
    ("doubtful", "state", "said"),
    [
        ({}, "good", "2 templates written and 1 erased"),
        ({"an-id": "ann"}, "warning", "1 left in doubt: ann in "),
    ],
)
def test_replicas_are_mended_where_that_is_asked_for(
    gallery: Run, monkeypatch: pytest.MonkeyPatch, doubtful: dict[str, str], state: str, said: str
) -> None:
    mended = []

    async def mend(self: QdrantStore, gallery_id: str, now: datetime) -> Mended:
        mended.append(gallery_id)  # the first of the galleries on the server
        return Mended(2, 1, doubtful) if len(mended) == 1 else Mended(0, 0, {})

    monkeypatch.setattr(QdrantStore, "mend", mend)
    checked(gallery)
    assert not mended
    code, checks = checked(gallery, "--mend")
    assert (code, checks["Qdrant replicas"]["state"]) == (Exit.DONE, state)
    assert said in checks["Qdrant replicas"]["found"]


def test_only_the_systems_replicas_are_mended(gallery: Run) -> None:
    assert gallery("doctor", "--mend").code == Exit.USAGE


def test_a_file_that_the_settings_name_must_be_there(gallery: Run, tmp_path: Path) -> None:
    (tmp_path / "gallery.toml").write_text('qdrant_ca_file = "nowhere.pem"\n')
    code, checks = checked(gallery, "--config", tmp_path / "gallery.toml")
    assert (code, "nowhere.pem" in checks["qdrant_ca_file"]["found"]) == (Exit.NO_MATCH, True)


def test_a_clock_behind_what_was_last_written_fails(tmp_path: Path) -> None:
    record = tmp_path / "galleries" / "lobby" / "gallery.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    written = record.stat().st_mtime
    assert clock_check(tmp_path, written + 1).state is State.GOOD
    behind = clock_check(tmp_path, written - 3600)
    assert behind.state is State.BAD and "behind the newest file" in behind.found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    issued = trustme.CA().issue_cert("gallery.example")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for part in issued.cert_chain_pems:
        part.write_to_path(folder / "cert.pem", append=True)
    (folder / "key.pem").chmod(0o600)
    return folder / "cert.pem", folder / "key.pem"


def test_a_server_open_to_everybody_is_said_to_be_refused(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_LISTEN", "0.0.0.0:0")
    code, checks = checked(gallery)
    assert (code, checks["exposure"]["state"]) == (Exit.NO_MATCH, "bad")


def test_metrics_that_others_can_ask_for_are_warned_of(gallery: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_METRICS_LISTEN", "0.0.0.0:9464")
    code, checks = checked(gallery)
    assert (code, checks["metrics"]["state"]) == (Exit.DONE, "warning")


def test_keys_that_cannot_be_read_fail(gallery: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_KEYS", str(tmp_path / "no-keys.json"))
    code, checks = checked(gallery)
    assert (code, "gallery keys create" in checks["keys"]["found"]) == (Exit.NO_MATCH, True)


def test_a_certificate_is_judged_by_its_key_and_its_days(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    now = time.time()
    expires = ssl.cert_time_to_seconds(shown(*certificate)["notAfter"])
    assert certificate_check(*certificate, now).state is State.GOOD
    assert certificate_check(*certificate, expires - 86400).state is State.WARNING
    assert "expired 2 days ago" in certificate_check(*certificate, expires + 2 * 86400).found
    trustme.CA().issue_cert("other.example").private_key_pem.write_to_path(tmp_path / "other.pem")
    assert certificate_check(certificate[0], tmp_path / "other.pem", now).state is State.BAD


def test_a_running_server_with_tls_is_asked_how_it_is(
    gallery: Run, certificate: tuple[Path, Path], tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = dict(zip(("tls_cert", "tls_key"), certificate, strict=True))
    with served(settings_for(tmp_path, model_file).model_copy(update=files)) as address:
        for name, value in {"listen": address, **files}.items():
            monkeypatch.setenv(f"GALLERY_{name.upper()}", str(value))
        code, checks = checked(gallery)
    assert (code, checks["address"]["found"]) == (Exit.DONE, f"a server answers at {address}, SERVING")
