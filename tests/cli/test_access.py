"""`gallery keys` and `gallery audit`, and every command against a server that wants a key and TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from gallery.audit.files import log_files
from gallery.cli.exits import Exit
from tests.cli.conftest import Run
from tests.served import served, settings_for

KEYS, AUDIT = "keys.json", "audit"


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(gallery: Run) -> None:
    created = gallery("keys", "create", "door camera", "--role", "probe", "--gallery", "lobby-*", "--gallery", "garage",
                      "--expires", "90d", "--rate", "5", "--keys", KEYS)  # fmt: skip
    token = created.stdout.strip()
    assert created.code == Exit.DONE and token.startswith("gk_")
    assert "not shown again" in created.stderr
    listed = gallery("keys", "list", "--keys", KEYS)
    assert "door camera" in listed.stdout and "valid until" in listed.stdout
    assert token[16:] not in listed.stdout
    (key,) = gallery("keys", "list", "--keys", KEYS, "--json").json
    assert (key["role"], key["galleries"], key["rate"], key["burst"]) == ("probe", ["lobby-*", "garage"], 5.0, 5)
    assert "digest" not in key
    revoked = gallery("keys", "revoke", key["key_id"], "--keys", KEYS, "--json")
    assert revoked.code == Exit.DONE and revoked.json["revoked_at"] is not None
    assert "revoked" in gallery("keys", "list", "--keys", KEYS).stdout


def test_a_key_as_json_is_for_scripts(gallery: Run) -> None:
    made = gallery("keys", "create", "x", "--role", "admin", "--keys", KEYS, "--json").json
    assert made["key"].startswith(f"gk_{made['key_id']}_")
    assert (made["galleries"], made["expires_at"], made["rate"]) == (["*"], None, None)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["create", "x", "--role", "owner"], Exit.USAGE),
        (["create", "x", "--role", "probe", "--burst", "3"], Exit.USAGE),
        (["create", "x", "--role", "probe", "--expires", "soon"], Exit.USAGE),
        (["create", "x", "--role", "probe", "--gallery", "Lobby!"], Exit.REFUSED),
        (["create", "x", "--role", "probe", "--rate", "0"], Exit.REFUSED),
        (["revoke", "0123456789ab"], Exit.REFUSED),
        (["list"], Exit.REFUSED),
    ],
)
def test_what_cannot_be_done_with_keys_is_said_and_leaves_no_file(gallery: Run, words: list[str], code: Exit) -> None:
    ended = gallery("keys", *words, "--keys", KEYS)
    assert ended.code == code and ended.stderr
    assert not Path(KEYS).exists()


@pytest.fixture
def guarded(gallery: Run, tmp_path: Path, model_file: Path) -> Iterator[tuple[list[str], str]]:
    """Options to reach a server with TLS, keys and an audit log, and a key for it."""
    token = gallery("keys", "create", "x", "--role", "admin", "--keys", KEYS).stdout.strip()
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path("ca.pem")
    issued.cert_chain_pems[0].write_to_path("server.pem")
    issued.private_key_pem.write_to_path("server.key")
    more = {
        "listen": "localhost:0",
        "tls_cert": tmp_path / "server.pem",
        "tls_key": tmp_path / "server.key",
        "keys": tmp_path / KEYS,
        "audit": tmp_path / AUDIT,
    }
    with served(settings_for(tmp_path, model_file).model_copy(update=more)) as address:
        yield ["--server", address, "--tls-ca", "ca.pem", "--gallery", "lobby"], token


def test_commands_reach_a_server_with_a_key_and_tls(
    gallery: Run, guarded: tuple[list[str], str], monkeypatch: pytest.MonkeyPatch, people: Path
) -> None:
    where, token = guarded
    refused = gallery("galleries", "create", *where)
    assert refused.code == Exit.REFUSED and "[UNAUTHENTICATED]" in refused.stderr
    assert gallery("galleries", "create", *where, "--api-key", token).code == Exit.DONE
    monkeypatch.setenv("GALLERY_API_KEY", token)
    assert gallery("enrol", people, *where).code == Exit.DONE
    erased = gallery("erase", "ann", "--yes", *where, "--json")
    assert erased.code == Exit.DONE
    for command in (["list", *where], ["doctor", *where], ["list", "--help"]):
        shown = gallery(*command)
        assert token not in shown.stdout + shown.stderr

    shown = gallery("audit", "show", "--audit", AUDIT, "--call", "DeleteIdentity")
    assert "ann" in shown.stdout and "OK" in shown.stdout
    (entry,) = gallery(
        "audit", "show", "--audit", AUDIT, "--identity", "ann", "--call", "DeleteIdentity", "--json"
    ).json
    assert (entry["code"], entry["gallery_id"], entry["who"]) == ("OK", "lobby", token[3:15])
    receipt = entry["details"]["receipt_id"]
    assert len(gallery("audit", "show", "--audit", AUDIT, "--detail", receipt, "--json").json) == 1
    assert gallery("audit", "show", "--audit", AUDIT, "--identity", "nobody").code == Exit.NO_MATCH

    whole = gallery("audit", "verify", "--audit", AUDIT)
    assert whole.code == Exit.DONE and whole.stdout.startswith("whole: lines 1 to ")
    head = whole.stdout.split()[-1]
    assert gallery("audit", "verify", "--audit", AUDIT, "--head", head).code == Exit.DONE
    (file,) = log_files(Path(AUDIT))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + b"".join(lines[2:]))
    broken = gallery("audit", "verify", "--audit", AUDIT)
    assert broken.code == Exit.REFUSED and "BROKEN at line 2 of " in broken.stdout
    assert gallery("audit", "verify", "--audit", AUDIT, "--json").json["broken"]["line"] == 2
    file.write_bytes(b"".join(lines))


def test_a_folder_that_is_not_there_is_no_whole_log(gallery: Run) -> None:
    for command in ("verify", "show"):
        assert gallery("audit", command, "--audit", "nowhere").code == Exit.USAGE
