"""Keys: what is kept of them, and who is told what about them."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.access import Guard, KeyFile, Keyring, Role, new_key
from gallery.access.buckets import TokenBucket
from gallery.access.caller import caller_of
from gallery.errors import InvalidParameter, KeyEnded, Overloaded, RateLimited, Unauthenticated
from tests.access.keys import made

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_token_is_kept_nowhere_and_its_owner_alone_can_read_what_is_kept(file: Path) -> None:
    fresh = made(file, Role.PROBE)
    secret = fresh.token.rpartition("_")[2]
    assert re.fullmatch(r"gk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", fresh.token)
    assert all(secret not in each.read_text() for each in file.parent.iterdir() if each.is_file())
    assert file.stat().st_mode & 0o077 == 0
    assert KeyFile(file).read() == (fresh.key,)


def test_two_keys_are_never_alike() -> None:
    tokens = {new_key("x", Role.PROBE, ("*",), NOW).token for _ in range(100)}
    assert len({token[16:] for token in tokens}) == 100


def test_an_unknown_key_and_a_wrong_one_are_answered_alike(file: Path) -> None:
    fresh, keyring = made(file, Role.PROBE), Keyring(KeyFile(file))
    assert keyring.caller(fresh.token).who == fresh.key.key_id
    other = new_key("other", Role.PROBE, ("*",), NOW).token
    wrong = fresh.token[:-1] + ("A" if fresh.token[-1] != "A" else "B")
    answers = set()
    for token in (other, wrong, "", "gk_", fresh.token[:-1], f"{fresh.token}A", "é" * 60):
        with pytest.raises(Unauthenticated) as refused:
            keyring.caller(token)
        assert type(refused.value) is Unauthenticated
        answers.add(str(refused.value))
    assert len(answers) == 1


def test_that_a_key_has_ended_is_told_to_its_owner_alone(file: Path) -> None:
    soon = NOW + timedelta(hours=1)
    expiring, revoked = made(file, Role.PROBE, expires_at=soon), made(file, Role.PROBE, revoked_at=NOW)
    times = iter([soon - timedelta(seconds=1), soon])
    keyring = Keyring(KeyFile(file), clock=lambda: next(times))
    assert keyring.caller(expiring.token).who == expiring.key.key_id
    with pytest.raises(KeyEnded, match="expired"):
        keyring.caller(expiring.token)
    with pytest.raises(KeyEnded, match="revoked"):
        keyring.caller(revoked.token)
    with pytest.raises(Unauthenticated) as wrong:
        keyring.caller(revoked.token[:-4] + "AAAA")
    assert not isinstance(wrong.value, KeyEnded)


@pytest.mark.parametrize(
    ("patterns", "seen", "unseen"),
    [
        (("*",), ["lobby", "x"], []),
        (("lobby",), ["lobby"], ["lobby2", "alobby", "", "lob"]),
        (("lobby-*", "garage"), ["lobby-1", "lobby-", "garage"], ["lobby", "garage-1", "xlobby-1"]),
    ],
)
def test_patterns_say_which_galleries_a_key_is_for(
    patterns: tuple[str, ...], seen: list[str], unseen: list[str]
) -> None:
    caller = caller_of(new_key("x", Role.PROBE, patterns, NOW).key, None)
    assert [name for name in seen + unseen if caller.sees(name)] == seen


@pytest.mark.parametrize(
    "change",
    [
        {"galleries": ()},
        {"galleries": ("Lobby",)},
        {"galleries": ("[ab]",)},
        {"name": ""},
        {"name": "a\nb"},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"burst": 0},
    ],
)
def test_a_key_that_could_not_work_is_not_made(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter):
        replace(new_key("x", Role.PROBE, ("*",), NOW).key, **change).checked()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"version": 2, "keys": []}', b'{"version": 1}', b'{"version": 1, "keys": [{}]}', b"\xff\xfe"],
)
def test_a_damaged_key_file_is_refused_with_a_sentence(file: Path, content: bytes) -> None:
    made(file, Role.PROBE)
    file.write_bytes(content)
    with pytest.raises(InvalidParameter, match="damaged"):
        KeyFile(file).read()


def test_a_torn_key_file_is_refused_wherever_it_is_torn(file: Path) -> None:
    made(file, Role.PROBE)
    whole = file.read_bytes().rstrip()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(InvalidParameter, match="damaged"):
            KeyFile(file).read()


def test_a_missing_key_file_and_one_for_everybody_are_refused(file: Path) -> None:
    with pytest.raises(InvalidParameter, match="gallery keys create"):
        KeyFile(file).read()
    made(file, Role.PROBE)
    for mode in (0o604, 0o620, 0o666):
        file.chmod(mode)
        with pytest.raises(InvalidParameter, match="chmod 600"):
            KeyFile(file).read()


def test_two_keys_with_one_id_are_refused(file: Path) -> None:
    made(file, Role.PROBE)
    content = json.loads(file.read_text())
    content["keys"] *= 2
    file.write_text(json.dumps(content))
    with pytest.raises(InvalidParameter, match="two keys have one id"):
        KeyFile(file).read()


def test_a_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    now = 0.0
    bucket = TokenBucket(rate=2.0, burst=3, clock=lambda: now)
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    now = 0.5
    assert [bucket.take(), bucket.take()] == [0.0, 0.5]
    now = 100.0
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert [bucket.reserve(), bucket.reserve()] == [0.5, 1.0]


def test_a_key_file_that_changes_is_followed_and_a_broken_one_is_not(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = made(file, Role.PROBE, rate=1.0, burst=1)
    keyring = Keyring(KeyFile(file))
    bucket = keyring.caller(first.token).bucket
    assert bucket is not None and bucket.take() == 0.0
    second = made(file, Role.ADMIN)
    keyring.refresh()
    assert keyring.caller(second.token).role is Role.ADMIN
    assert keyring.caller(first.token).bucket is bucket, "a bucket that was emptied stays empty"
    whole = file.read_bytes()
    file.write_bytes(whole[:40])
    keyring.refresh()
    assert keyring.caller(second.token).role is Role.ADMIN
    assert "the keys stay as they were" in caplog.text
    file.write_bytes(whole)
    KeyFile(file).change(lambda keys: keys[:1])
    keyring.refresh()
    with pytest.raises(Unauthenticated):
        keyring.caller(second.token)


def test_the_client_tells_a_rate_from_an_overload() -> None:
    assert issubclass(RateLimited, Overloaded) and RateLimited.reason != Overloaded.reason


@given(value=st.text())
def test_no_text_is_taken_for_a_key(value: str) -> None:
    class OneKey(KeyFile):
        def read(self) -> Any:
            return (new_key("x", Role.ADMIN, ("*",), NOW).key,)

    with pytest.raises(Unauthenticated):
        Guard(Keyring(OneKey(Path("nowhere")))).tell(value)
