"""A gallery as one file of blocks (`blocks`), and that file as a source.

    H   JSON: the gallery's record, when the backup was begun, and the gallery's part of the ledger of erasures
    T   up to a thousand templates by id: a JSON list of [id, payload], its length in 4 bytes before it, and then the
        embeddings, float32, little endian; as many such blocks as are needed
    E   JSON: how many templates there are, their digest, and the SHA-256 of the file before this block

An embedding is personal data, so the file is readable by its owner alone.
"""

import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gallery.domain import Gallery, LedgerEntry, Template
from gallery.errors import InvalidBackup, InvalidParameter, StoreCorrupt
from gallery.ledger import Erased
from gallery.records import (
    content_of_page,
    entry_of_record,
    gallery_of_record,
    page_of_content,
    record_of_entry,
    record_of_gallery,
    timestamp,
)
from gallery.transfer.blocks import FIRST_LINE, block_of, blocks_in, torn
from gallery.transfer.sources import Digest, Source

_HEAD, _TEMPLATES, _END = b"H", b"T", b"E"


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """What a backup holds: whose, made when, how many templates, and their digest."""

    gallery: Gallery
    created_at: datetime
    template_count: int
    digest: str


async def backup_chunks(source: Source) -> AsyncIterator[tuple[bytes, int]]:
    """Write a gallery as the bytes of a backup, with the number of templates that are in them so far.

    The ledger is read before the templates, so that an erasure in between is applied when the backup is restored.
    """
    whole, digest = hashlib.sha256(), Digest()
    erasures = [record_of_entry(entry) for entry in await source.erasures()]
    record = record_of_gallery(await source.gallery())
    head = {"gallery": record, "created_at": timestamp(datetime.now(UTC)), "erasures": erasures}
    chunk = FIRST_LINE + block_of(_HEAD, _json(head))
    whole.update(chunk)
    yield chunk, 0
    async for page in source.pages():
        digest.add(page)
        chunk = block_of(_TEMPLATES, content_of_page(page))
        whole.update(chunk)
        yield chunk, digest.count
    end = {"template_count": digest.count, "digest": digest.hex(), "file_digest": whole.hexdigest()}
    yield block_of(_END, _json(end)), digest.count


async def write_backup(chunks: AsyncIterator[tuple[bytes, int]], path: Path) -> AsyncIterator[int]:
    """Write a backup's bytes into a file, whole and on disk or not there; tells how many templates are written.

    Raises InvalidParameter where the file cannot be written; what was written of it is then gone.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            async for chunk, count in chunks:
                file.write(chunk)
                yield count
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise InvalidParameter(
            f"the backup {path} cannot be written ({error.strerror})", expected="a writable place with room for it"
        ) from error


class Backup:
    """A backup file as a source; ``without`` are templates that are passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.without: Erased | None = None
        self.left_out = 0
        self._end: dict[str, Any] = {}

    def verified(self) -> BackupSummary:
        """Read the whole file and say what is in it; raises InvalidBackup where it is torn or altered."""
        gallery, created_at, _ = self._head()
        digest = Digest()
        for page in self._read():
            digest.add(page)
        end = self._end
        if (end.get("template_count"), end.get("digest")) != (digest.count, digest.hex()):
            raise InvalidBackup(
                f"{self._path} does not hold what it says", expected=f"{end.get('template_count')} templates"
            )
        return BackupSummary(gallery, created_at, digest.count, digest.hex())

    async def gallery(self) -> Gallery:
        """Read the gallery's record; raises InvalidBackup."""
        return self._head()[0]

    async def erasures(self) -> list[LedgerEntry]:
        """Read the part of the ledger that was known when the backup was made; raises InvalidBackup."""
        return self._head()[2]

    async def pages(self) -> AsyncIterator[Sequence[Template]]:
        """Read the templates; raises InvalidBackup."""
        without, self.left_out = self.without, 0
        for page in self._read():
            kept = page if without is None else [each for each in page if not without.has(each.info)]
            self.left_out += len(page) - len(kept)
            yield kept

    def _head(self) -> tuple[Gallery, datetime, list[LedgerEntry]]:
        with self._opened() as file:
            kind, content, _ = next(blocks_in(file, str(self._path)), (b"", b"", ""))
        if kind != _HEAD:
            raise torn(str(self._path), "its first block is missing")
        where = f"the header of {self._path}"
        try:
            head = json.loads(content)
            gallery = gallery_of_record(head["gallery"], where)
            erasures = [entry_of_record(each, where) for each in head["erasures"]]
            return gallery, datetime.fromisoformat(head["created_at"]), erasures
        except (KeyError, TypeError, ValueError, StoreCorrupt) as error:
            raise InvalidBackup(f"{where} cannot be read ({error})", remedy="use the version that wrote it") from error

    def _read(self) -> Iterator[list[Template]]:
        gallery = self._head()[0]
        self._end = {}
        with self._opened() as file:
            for kind, content, before in blocks_in(file, str(self._path)):
                if self._end:
                    raise InvalidBackup(f"{self._path} goes on after its end", expected="nothing behind its last block")
                if kind == _TEMPLATES:
                    yield _templates_of(content, gallery, str(self._path))
                elif kind == _END:
                    self._end = json.loads(content)
                    if self._end.get("file_digest") != before:
                        raise InvalidBackup(
                            f"{self._path} was altered: its blocks are not those that were written",
                            remedy="use another copy of the backup; nothing was restored",
                        )
        if not self._end:
            raise torn(str(self._path), "its last block is missing")

    def _opened(self) -> Any:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise InvalidBackup(f"{self._path} cannot be read ({error.strerror})", expected="a backup") from error


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _templates_of(content: bytes, gallery: Gallery, name: str) -> list[Template]:
    try:
        return page_of_content(content, gallery)
    except StoreCorrupt as error:
        raise InvalidBackup(f"{name} holds what is no template ({error})") from error
