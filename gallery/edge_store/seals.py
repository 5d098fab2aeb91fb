"""Seals: checksums by which a store says that its files are not what it wrote.

The engine looks at few of its own bytes: a bit flipped in its list of points loses people without a word, one in a
vector makes somebody a stranger. So when a store is closed, the SHA-256 of each of a shard's files goes into a file
beside the shard, and before the shard is opened again all are compared. While it is open, and after a crash, its files
change or have changed on their own, and there is no seal.
"""

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gallery.errors import StoreCorrupt

_SEAL = "sha256"
_BLOCK = 1 << 16
_ZEROS = bytes(_BLOCK)


def sealed(record: Mapping[str, Any]) -> str:
    """Write a JSON object with a checksum of the rest of it as one more field."""
    return json.dumps({**record, _SEAL: _checksum(record)}, indent=2)


def unsealed(content: bytes) -> Any:
    """Read `sealed`'s object back without its checksum; raises ValueError. One written before there were any passes."""
    record = json.loads(content)
    if isinstance(record, dict) and _SEAL in record and record.pop(_SEAL) != _checksum(record):
        raise ValueError("it is not what was written: its checksum is another")
    return record


def digests_of(folder: Path) -> dict[str, str]:
    """Compute the SHA-256 of each file's size and of its blocks that are not all zero, for most of them are holes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _digest(path) for path in files}


def check(folder: Path, seal: Path, gallery_id: str) -> None:
    """Compare the files of a gallery's shard with its seal; raises StoreCorrupt, which names the first that differs."""
    try:
        written = unsealed(seal.read_bytes())["files"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _broken(seal, gallery_id, f"the file {seal} cannot be read ({error})") from error
    found = digests_of(folder)
    for name in sorted(written.keys() | found.keys()):
        if written.get(name) != found.get(name):
            problem = "is missing" if name not in found else "is not what was written there"
            raise _broken(seal, gallery_id, f"the file {folder / name} {problem}")


def _broken(seal: Path, gallery_id: str, problem: str) -> StoreCorrupt:
    return StoreCorrupt(
        problem,
        expected="a store's files as they were when it was closed",
        remedy=f"restore the gallery from a backup; without {seal} what is left is served, whatever that is",
        gallery_id=gallery_id,
    )


def _checksum(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        descriptor = file.fileno()
        digest.update(os.fstat(descriptor).st_size.to_bytes(8, "little"))
        offset = _data_from(descriptor, 0)
        while block := b"" if offset is None else os.pread(descriptor, _BLOCK, offset):
            assert offset is not None
            if block != _ZEROS[: len(block)]:
                digest.update(offset.to_bytes(8, "little") + block)
            offset = _data_from(descriptor, offset + _BLOCK)
    return digest.hexdigest()


def _data_from(descriptor: int, offset: int) -> int | None:
    """Find the first block at or behind ``offset`` that is not in a hole."""
    try:
        found = os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise
    return found - found % _BLOCK
