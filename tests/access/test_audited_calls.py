"""What the audit log is told of calls: who, what, about whom, and what came of it."""

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from gallery import GalleryClient, image
from gallery.access import Role
from gallery.audit import Event, Where, find, verify
from gallery.cli.demo_server import kill, started
from gallery.domain import BulkItem, StreamProbe
from gallery.errors import (
    AuditUnavailable,
    CallFailed,
    GalleryNotAllowed,
    GalleryNotFound,
    IdentityNotFound,
    InvalidIdentifier,
    RoleNotAllowed,
    Unauthenticated,
)
from tests.access.conftest import Serve
from tests.access.keys import made
from tests.pictures import png_of
from tests.served import served, settings_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def told(folder: Path, call: str) -> list[Event]:
    return [entry.event for entry in find(folder) if entry.event.call == call]


def until_done(client: GalleryClient) -> None:
    """Make a change as soon as the server does it again."""
    deadline = monotonic() + 30
    while monotonic() < deadline:
        with suppress(AuditUnavailable, Unauthenticated):
            client.create_gallery("at-last")
            return
    raise AssertionError("the server does nothing more")


def test_changes_are_audited_before_they_are_answered(folder: Path, tmp_path: Path, serve: Serve) -> None:
    key = made(tmp_path / "keys.json", Role.ADMIN)
    with GalleryClient(serve(audit=folder, keys=tmp_path / "keys.json"), api_key=key.token) as client:
        client.create_gallery("lobby")
        client.enroll("lobby", "ann", [png_of(1), b"no picture"])
        (enrolled,) = told(folder, "Enroll")
        assert (enrolled.who, enrolled.gallery_id, enrolled.identity_ids) == (key.key.key_id, "lobby", ("ann",))
        assert (enrolled.code, dict(enrolled.details)) == ("OK", {"enrolled": 1, "refused": 1})
        assert enrolled.peer.startswith("ipv4:127.0.0.1:")
        client.enroll("lobby", "bob", [png_of(2)])
        change = client.merge_identities("lobby", "ann", "bob")
        (merged,) = told(folder, "MergeIdentities")
        assert merged.identity_ids == ("ann", "bob")
        assert merged.details["change_id"] == str(change.change_id)
        receipt = client.delete_identity("lobby", "ann")
        (erased,) = find(folder, Where(detail=str(receipt.receipt_id)))
        assert (erased.event.call, erased.event.identity_ids) == ("DeleteIdentity", ("ann",))
        assert erased.event.details["template_count"] == receipt.template_count == 2
        assert set(erased.event.details) == {"template_count", "receipt_id"}
    assert verify(folder).broken is None


def test_what_is_only_asked_is_not_audited_unless_that_is_asked_for(folder: Path, serve: Serve) -> None:
    with GalleryClient(serve(audit=folder)) as client:
        client.create_gallery("lobby")
        client.identify("lobby", png_of(1))
        client.list_galleries()
        client.delete_gallery("lobby")
    assert [entry.event.call for entry in find(folder)] == ["CreateGallery", "DeleteGallery"]
    assert {entry.event.who for entry in find(folder)} == {"anonymous"}


def test_probes_are_audited_when_that_is_asked_for_with_whom_they_matched(
    folder: Path, tmp_path: Path, model_file: Path
) -> None:
    settings = settings_for(tmp_path, model_file).model_copy(update={"audit": folder, "audit_calls": "all"})
    with served(settings) as address, GalleryClient(address, timeout=60.0) as client:
        client.create_gallery("lobby")
        client.enroll("lobby", "ann", [png_of(1)])
        client.identify("lobby", png_of(1))
        client.verify_identity("lobby", png_of(1), "ann")
        client.get_identity("lobby", "ann")
        probes = [StreamProbe(f"item-{index}", image(png_of(index))) for index in (1, 2)]
        assert len(list(client.identify_stream("lobby", probes))) == 2
    (asked,) = told(folder, "Identify")
    assert (asked.identity_ids, dict(asked.details)) == (("ann",), {"people": 1, "matched": 1})
    (verified,) = told(folder, "Verify")
    assert (verified.identity_ids, dict(verified.details)) == (("ann",), {"matched": 1})
    assert told(folder, "GetIdentity")
    (stream,) = told(folder, "IdentifyStream.end")
    assert (stream.gallery_id, stream.details["answered"], stream.details["people"]) == ("lobby", 2, 2)


def test_each_item_of_a_bulk_enrolment_is_audited(folder: Path, tmp_path: Path, model_file: Path) -> None:
    settings = settings_for(tmp_path, model_file).model_copy(update={"audit": folder})
    with served(settings) as address, GalleryClient(address, timeout=60.0) as client:
        client.create_gallery("lobby")
        items = [BulkItem("1", "ann", image(png_of(1))), BulkItem("2", "bob", image(b"no picture"))]
        assert len(list(client.bulk_enroll("lobby", items))) == 2
    by_identity = {event.identity_ids: event for event in told(folder, "BulkEnroll")}
    assert (by_identity["ann",].code, by_identity["ann",].gallery_id) == ("OK", "lobby")
    assert (by_identity["bob",].code, by_identity["bob",].reason) == ("INVALID_ARGUMENT", "INVALID_IMAGE")
    (end,) = told(folder, "BulkEnroll.end")
    assert (end.code, dict(end.details)) == ("OK", {"answered": 1, "refused": 1})


def test_items_of_one_id_are_audited_with_their_own_identities(folder: Path, tmp_path: Path, model_file: Path) -> None:
    settings = settings_for(tmp_path, model_file).model_copy(update={"audit": folder})
    with served(settings) as address, GalleryClient(address, timeout=60.0) as client:
        client.create_gallery("lobby")
        people = {"ann": png_of(1), "bob": png_of(2), "cid": b"no picture"}
        items = [BulkItem("", name, image(content)) for name, content in people.items()]
        assert len(list(client.bulk_enroll("lobby", items))) == 3
    events = told(folder, "BulkEnroll")
    assert {event.identity_ids for event in events if event.code == "OK"} == {("ann",), ("bob",)}
    (refused,) = [event for event in events if event.code != "OK"]
    assert "cid" in refused.identity_ids


def test_a_change_that_was_refused_or_failed_is_audited_with_its_reason(folder: Path, serve: Serve) -> None:
    with GalleryClient(serve(audit=folder)) as client:
        with pytest.raises(GalleryNotFound):
            client.delete_gallery("nowhere")
        client.create_gallery("lobby")
        with pytest.raises(IdentityNotFound):
            client.delete_identity("lobby", "ann")
        until_done(client)
    (gallery,), (identity,) = told(folder, "DeleteGallery"), told(folder, "DeleteIdentity")
    assert (gallery.code, gallery.reason) == ("NOT_FOUND", "GALLERY_NOT_FOUND")
    assert (identity.code, identity.reason, identity.identity_ids) == ("NOT_FOUND", "IDENTITY_NOT_FOUND", ("ann",))


def test_who_was_not_let_in_is_audited_and_a_flood_of_them_is_counted(
    folder: Path, tmp_path: Path, serve: Serve
) -> None:
    key = made(tmp_path / "keys.json", Role.PROBE, "lobby")
    address = serve(audit=folder, keys=tmp_path / "keys.json")
    with GalleryClient(address, api_key=key.token) as client:
        with pytest.raises(RoleNotAllowed):
            client.delete_gallery("lobby")
        with pytest.raises(GalleryNotAllowed):
            client.identify("garage", png_of(1))
    with GalleryClient(address) as stranger:
        for _ in range(130):
            with pytest.raises(Unauthenticated):
                stranger.list_galleries()
    with GalleryClient(address, api_key=made(tmp_path / "keys.json", Role.ADMIN).token) as client:
        until_done(client)  # and on disk, with all that came before
    (low,), (elsewhere,) = told(folder, "DeleteGallery"), told(folder, "Identify")
    assert (low.who, low.code, low.reason) == (key.key.key_id, "PERMISSION_DENIED", "ROLE_NOT_ALLOWED")
    assert (elsewhere.reason, elsewhere.who) == ("GALLERY_NOT_ALLOWED", key.key.key_id)
    strangers = told(folder, "ListGalleries")
    assert {(event.who, event.reason) for event in strangers} == {("unknown", "UNAUTHENTICATED")}
    assert 90 <= len(strangers) < 130


def test_neither_pictures_nor_embeddings_are_in_the_log(folder: Path, serve: Serve) -> None:
    picture = png_of(7)
    with GalleryClient(serve(audit=folder, audit_calls="all"), timeout=60.0) as client:
        client.create_gallery("lobby")
        client.enroll("lobby", "ann", [picture])
        client.identify("lobby", picture)
        client.embed(picture)
        client.delete_gallery("lobby")
    text = b"".join(file.read_bytes() for file in folder.glob("*.jsonl"))
    assert b"PNG" not in text and b"iVBOR" not in text
    assert max(map(len, text.splitlines())) < 600


def test_a_name_of_any_length_takes_little_room(folder: Path, serve: Serve) -> None:
    with GalleryClient(serve(audit=folder)) as client:
        with pytest.raises(InvalidIdentifier):
            client.delete_identity("lobby", "x" * 100_000)
        until_done(client)
    (event,) = told(folder, "DeleteIdentity")
    assert event.identity_ids == ("x" * 256,)


def test_what_was_acknowledged_before_a_crash_is_in_the_log(tmp_path: Path, model_file: Path, folder: Path) -> None:
    audited = ("--audit", str(folder))
    with (
        started(tmp_path / "store", model_file, *audited) as server,
        GalleryClient(server.address, timeout=60.0) as client,
    ):
        client.create_gallery("lobby")
        acknowledged: list[str] = []

        def work() -> None:
            with suppress(CallFailed):
                for number in range(10_000):
                    client.enroll("lobby", f"person-{number}", [png_of(number)])
                    acknowledged.append(f"person-{number}")
                    if number >= 10:
                        enough.set()

        enough, worker = threading.Event(), threading.Thread(target=work)
        worker.start()
        assert enough.wait(60)
        kill(server)
        worker.join()
    assert verify(folder).broken is None
    enrolled = [event.identity_ids[0] for event in told(folder, "Enroll")]
    assert enrolled[: len(acknowledged)] == acknowledged
    with (
        started(tmp_path / "store", model_file, *audited) as server,
        GalleryClient(server.address, timeout=60.0) as client,
    ):
        client.delete_gallery("lobby")
    assert verify(folder).broken is None and len(told(folder, "DeleteGallery")) == 1


def test_while_the_log_cannot_be_written_changes_are_refused_and_probes_are_not(
    folder: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GalleryClient(serve(audit=folder), timeout=60.0) as client:
        client.create_gallery("lobby")
        client.enroll("lobby", "ann", [png_of(1)])

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            for _ in range(2):  # one may be done before it is known, and says that its outcome is not
                with pytest.raises(AuditUnavailable):
                    client.delete_identity("lobby", "ann")
            with pytest.raises(AuditUnavailable):
                client.create_gallery("garage")
            assert client.identify("lobby", png_of(1))
        until_done(client)
    assert verify(folder).broken is None
    assert told(folder, "DeleteIdentity")
