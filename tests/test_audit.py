"""The audit log keeps what was done, and shows any hand that was laid on it."""

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gallery import audit
from gallery.audit import AuditLog, Event, Where, find, verify
from gallery.audit.chain import REPAIRED
from gallery.audit.files import log_files
from gallery.errors import AuditCorrupt, AuditUnavailable

ERASURE = Event(
    "DeleteIdentity", "0a1b2c3d", "lobby", ("ann",), details={"deleted_template_count": 3, "receipt_id": "r1"}
)


async def written(folder: Path, count: int, *, file_bytes: int = 2**20) -> str:
    """Write ``count`` events and return the head."""
    log = AuditLog(folder, file_bytes=file_bytes)
    for index in range(count):
        await log.commit(Event("Enroll", "0a1b2c3d", "lobby", (f"person-{index}",), details={"enrolled": index}))
    await log.close()
    return log.head.hash


async def test_what_was_committed_is_read_back_in_order_and_verifies(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    log.append(Event("Identify", "anonymous", "lobby"))
    await log.commit(ERASURE)
    first, second = find(tmp_path / "audit")  # on disk, with the log still open
    assert (first.number, first.event.call) == (1, "Identify")
    assert (second.number, second.event, second.previous) == (2, ERASURE, first.hash)
    assert verify(tmp_path / "audit") == audit.Verification(1, 2, second.hash, 1)
    await log.close()


async def test_an_appended_event_is_on_disk_once_the_log_is_closed(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.append(ERASURE)
    await log.close()
    assert [entry.event for entry in find(tmp_path)] == [ERASURE]


async def test_the_chain_goes_on_over_files_and_restarts(tmp_path: Path) -> None:
    await written(tmp_path, 5, file_bytes=600)
    head = await written(tmp_path, 5, file_bytes=600)
    assert len(log_files(tmp_path)) > 3
    found = verify(tmp_path, head=head)
    assert (found.first, found.last, found.head, found.broken) == (1, 10, head, None)


async def test_entries_are_found_by_what_they_say(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    log = AuditLog(tmp_path)
    await log.commit(Event("Enroll", "key-1", "lobby", ("ann",)))
    await log.commit(Event("Enroll", "key-2", "garage", ("ann", "bob"), code="PERMISSION_DENIED"))
    await log.commit(ERASURE)
    await log.close()

    def numbers(**where: object) -> list[int]:
        return [entry.number for entry in find(tmp_path, Where(**where))]  # type: ignore[arg-type]

    assert numbers() == [1, 2, 3]
    assert numbers(call="Enroll") == [1, 2]
    assert numbers(who="key-2") == [2]
    assert numbers(gallery_id="lobby") == [1, 3]
    assert numbers(identity_id="bob") == [2]
    assert numbers(code="PERMISSION_DENIED") == [2]
    assert numbers(detail="r1") == [3]
    assert numbers(detail="r2") == []
    assert numbers(since=now - timedelta(hours=1), until=now + timedelta(hours=1)) == [1, 2, 3]
    assert numbers(since=now + timedelta(hours=1)) == []
    assert numbers(until=now - timedelta(hours=1)) == []


HANDS = st.sampled_from(["remove", "change", "swap", "repeat", "cut the end", "forge"])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hand=HANDS, line=st.integers(0, 11), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_whatever_is_done_to_a_line_shows(
    whole_log: tuple[Path, dict[Path, bytes]], hand: str, line: int, at: int, bit: int
) -> None:
    folder, contents = whole_log
    for file, content in contents.items():
        file.write_bytes(content)
    file, index = place_of(contents, line)
    lines = contents[file].splitlines(keepends=True)
    match hand:
        case "remove":
            del lines[index]
        case "change":
            changed = bytearray(lines[index])
            changed[at % len(changed)] ^= 1 << bit
            lines[index] = bytes(changed)
        case "swap":
            other = (index + 1) % len(lines)
            lines[index], lines[other] = lines[other], lines[index]
        case "repeat":
            lines.insert(index, lines[index])
        case "cut the end":
            lines[index:] = [lines[index][: at % len(lines[index])]]
        case "forge":  # with a hash that fits what it says now
            entry = audit.entries.entry_of(lines[index][:-1])
            event = Event("Enroll", "somebody-else", entry.event.gallery_id)
            lines[index], _ = audit.entries.line_of(event, entry.number, entry.time, entry.previous)
    file.write_bytes(b"".join(lines))
    found = verify(folder)
    assert found.broken is not None
    assert found.broken.file in (*contents, folder / "head.json")


@pytest.fixture
async def whole_log(tmp_path: Path) -> tuple[Path, dict[Path, bytes]]:
    await written(tmp_path, 12, file_bytes=1500)
    files = log_files(tmp_path)
    assert len(files) > 2
    assert verify(tmp_path).broken is None
    return tmp_path, {file: file.read_bytes() for file in files}


def place_of(contents: dict[Path, bytes], line: int) -> tuple[Path, int]:
    for file, content in contents.items():
        count = content.count(b"\n")
        if line < count:
            return file, line
        line -= count
    raise AssertionError(line)


async def test_a_whole_file_that_is_gone_shows_and_the_oldest_may_go_when_that_is_said(tmp_path: Path) -> None:
    await written(tmp_path, 12, file_bytes=1500)
    first, second, *_ = log_files(tmp_path)
    kept = first.read_bytes()
    first.unlink()
    assert verify(tmp_path).broken is not None
    pruned = verify(tmp_path, pruned=True)
    assert pruned.broken is None and pruned.first > 1
    first.write_bytes(kept)
    second.unlink()
    assert verify(tmp_path, pruned=True).broken is not None


async def test_a_log_that_was_emptied_is_not_whole_and_a_new_one_is(tmp_path: Path) -> None:
    await written(tmp_path, 0)
    assert verify(tmp_path).broken is None
    await written(tmp_path, 3)
    for file in (*log_files(tmp_path), tmp_path / "head.json"):
        file.unlink()
    broken = verify(tmp_path).broken
    assert broken is not None and "head" in broken.problem


async def test_lines_cut_off_with_the_head_are_not_written_on(tmp_path: Path) -> None:
    await written(tmp_path, 3)
    (file,) = log_files(tmp_path)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    (tmp_path / "head.json").unlink()
    with pytest.raises(AuditCorrupt, match="head"):
        AuditLog(tmp_path)


async def test_lines_and_head_cut_off_together_show_against_a_head_noted_elsewhere(tmp_path: Path) -> None:
    before = await written(tmp_path, 3)
    (file,) = log_files(tmp_path)
    shorter, head_then = file.read_bytes(), (tmp_path / "head.json").read_bytes()
    noted = await written(tmp_path, 2)
    assert verify(tmp_path, head=noted).broken is None
    file.write_bytes(shorter)
    (tmp_path / "head.json").write_bytes(head_then)
    assert verify(tmp_path, head=before).broken is None
    broken = verify(tmp_path, head=noted).broken
    assert broken is not None and "you noted" in broken.problem


async def test_a_torn_last_line_is_cut_off_at_the_next_start_which_says_so(tmp_path: Path) -> None:
    await written(tmp_path, 2)
    (file,) = log_files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"number":3,"time":"20')
    torn = verify(tmp_path)
    assert torn.broken is None and torn.unfinished
    await written(tmp_path, 1)
    calls = [entry.event.call for entry in find(tmp_path)]
    assert calls == ["Enroll", "Enroll", REPAIRED, "Enroll"]
    assert [*find(tmp_path)][2].event.details["torn_bytes"] == 22
    assert verify(tmp_path).broken is None


async def test_a_log_that_was_cut_short_is_not_written_on(tmp_path: Path) -> None:
    await written(tmp_path, 3)
    (file,) = log_files(tmp_path)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(AuditCorrupt, match="ends at line 2"):
        AuditLog(tmp_path)
    file.write_bytes(file.read_bytes()[:-20] + b"\n")
    with pytest.raises(AuditCorrupt, match="last line"):
        AuditLog(tmp_path)
    with pytest.raises(AuditCorrupt, match=r"line 2 of .*audit-000001"):
        list(find(tmp_path))


async def test_a_log_has_one_writer(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    with pytest.raises(AuditUnavailable, match="no other server"):
        AuditLog(tmp_path)
    await log.close()
    await AuditLog(tmp_path).close()


async def test_while_the_disk_is_full_nothing_is_acknowledged_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AuditLog(tmp_path)
    await log.commit(ERASURE)
    really_write = os.write

    def half_then_full(file: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really_write(file, data[: len(data) - 50])

    with monkeypatch.context() as full:
        full.setattr(os, "write", half_then_full)
        with pytest.raises(AuditUnavailable, match="No space left"):
            await log.commit(Event("Enroll", "key-1"))
        with pytest.raises(AuditUnavailable):
            log.check()
    await log.commit(Event("Enroll", "key-2"))
    log.check()
    await log.close()
    assert [entry.event.who for entry in find(tmp_path)] == ["0a1b2c3d", "key-1", "key-2"]
    assert verify(tmp_path).broken is None


@given(name=st.text())
def test_no_name_can_break_out_of_its_line(name: str) -> None:
    line, digest = audit.entries.line_of(Event("Enroll", name, name), 1, datetime.now(UTC), audit.entries.GENESIS)
    assert line.count(b"\n") == 1
    entry = audit.entries.entry_of(line[:-1])
    assert (entry.event.who, entry.event.gallery_id, entry.hash) == (name, name, digest)
    assert json.loads(line)["hash"] == digest


async def test_others_cannot_read_the_log(tmp_path: Path) -> None:
    await written(tmp_path / "audit", 1)
    for path in (tmp_path / "audit", *(tmp_path / "audit").iterdir()):
        assert path.stat().st_mode & 0o077 == 0
