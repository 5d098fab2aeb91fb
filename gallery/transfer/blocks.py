r"""A file as a first line and a row of blocks.

    identity-gallery-backup 1\n
    kind (1 byte) | length of the content (4 bytes, big endian) | SHA-256 of kind and content (32 bytes) | content
    …

The checksums find damage, not malice: whoever can write the file can write checksums, too.
"""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from gallery.errors import InvalidBackup

FIRST_LINE = b"identity-gallery-backup 1\n"

_LENGTH, _DIGEST = 4, 32
_LONGEST = 1 << 28


def block_of(kind: bytes, content: bytes) -> bytes:
    """Write a block."""
    return kind + len(content).to_bytes(_LENGTH, "big") + _digest(kind, content) + content


def blocks_in(file: BinaryIO, name: str) -> Iterator[tuple[bytes, bytes, str]]:
    """Read (kind, content, SHA-256 of all before the block, hex) to the end; raises InvalidBackup."""
    before = hashlib.sha256()
    first = file.read(len(FIRST_LINE))
    if first != FIRST_LINE:
        raise InvalidBackup(
            f"{name} is no backup of a gallery",
            expected=f"a file that begins with {FIRST_LINE.decode().strip()!r}",
            remedy="give a file that `gallery backup` wrote",
        )
    before.update(first)
    number = 0
    while head := file.read(1 + _LENGTH + _DIGEST):
        number += 1
        length = int.from_bytes(head[1 : 1 + _LENGTH], "big")
        content = file.read(length) if length <= _LONGEST else b""
        if len(head) < 1 + _LENGTH + _DIGEST or (len(content) < length <= _LONGEST):
            raise torn(name, f"it ends in the middle of block {number}")
        if head[1 + _LENGTH :] != _digest(head[:1], content):
            raise InvalidBackup(
                f"{name} was altered or damaged: block {number} does not have its checksum",
                expected="the file as it was written",
                remedy="use another copy of the backup; nothing was restored",
            )
        yield head[:1], content, before.hexdigest()
        before.update(head)
        before.update(content)


def torn(name: str, how: str) -> InvalidBackup:
    """Say that a file is not whole."""
    return InvalidBackup(
        f"{name} is torn: {how}",
        expected="the whole file",
        remedy="copy it again, or use another backup; nothing was restored",
    )


def _digest(kind: bytes, content: bytes) -> bytes:
    return hashlib.sha256(kind + content).digest()
