"""The store's folder: what is where, and how it is changed so that a crash leaves no half.

    STORE/lock                          held by the process that owns the store; names its owner
    STORE/galleries/ID/gallery.json     the gallery's record
    STORE/galleries/ID/move.json        a move of templates under way, or what a crash left to be done of it
    STORE/galleries/ID/shard/           the engine's files
    STORE/galleries/ID/shard.seal       their checksums, there while the shard is closed
    STORE/galleries/ID/erased           there while those files hold deleted templates
    STORE/galleries/ID/shard.new/       a copy of them without the deleted, under way
    STORE/galleries/ID/shard.ready/     the same, whole: it is the shard now, whatever `shard` still is
    STORE/galleries/~ID/                a draft, which may take the place of the gallery ID
    STORE/galleries/.ready-ID           a draft that does: it is the gallery now, whatever ID still is
    STORE/erasures.jsonl                the ledger of erasures
    STORE/galleries/.new-ID             a creation under way, or what a crash left of it
    STORE/galleries/.gone-ID            the same of a deletion

A gallery exists when its folder has its name: a rename is the moment of creation and of deletion, and that of
every change of a file.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gallery.domain import DRAFT, Gallery, draft_of
from gallery.edge_store import seals
from gallery.errors import StoreCorrupt, StoreUnavailable
from gallery.records import gallery_of_record, record_of_gallery

_MOVE = {"ids", "payloads", "vectors", "remove"}
_GRACE_OF_THE_LIVING = 1.0
_GRACE_OF_THE_DEAD = 15.0


class GalleryFolders:
    """The folders of a store's galleries. To be used under `locked`."""

    def __init__(self, store: Path) -> None:
        """Make the folder of galleries where it is missing and clear away what a crash has left."""
        self._root = store / "galleries"
        self._root.mkdir(parents=True, exist_ok=True)
        for leftover in (*self._root.glob(".new-*"), *self._root.glob(".gone-*"), *self._root.glob("*/shard.new")):
            shutil.rmtree(leftover)
        for ready in self._root.glob(".ready-*"):
            self._take_place(ready, self._root / ready.name.removeprefix(".ready-"))
        for ready in self._root.glob("*/shard.ready"):
            self._take_place(ready, ready.with_name("shard"))

    def read(self) -> tuple[dict[str, Gallery], dict[str, str]]:
        """Read every gallery's record; those that cannot be read come second, with the reason."""
        galleries: dict[str, Gallery] = {}
        broken: dict[str, str] = {}
        for folder in (path for path in self._root.iterdir() if path.is_dir()):
            try:
                galleries[folder.name] = _read_record(folder)
            except StoreCorrupt as error:
                broken[folder.name] = str(error)
        return galleries, broken

    def has(self, gallery_id: str) -> bool:
        """Whether there is such a gallery."""
        return (self._root / gallery_id).is_dir()

    def gallery(self, gallery_id: str) -> Gallery:
        """Read a gallery's record; raises StoreCorrupt."""
        return _read_record(self._root / gallery_id)

    def shard(self, gallery_id: str) -> Path:
        """Where the engine's files of a gallery are."""
        return self._root / gallery_id / "shard"

    def seal(self, gallery_id: str) -> None:
        """Keep the checksums of the engine's files, which must be closed."""
        files = seals.digests_of(self.shard(gallery_id))
        _write(self._seal(gallery_id), seals.sealed({"files": files}))

    def check(self, gallery_id: str) -> None:
        """Compare the engine's files with their checksums, if there are any; raises StoreCorrupt."""
        seal = self._seal(gallery_id)
        if seal.exists():
            seals.check(self.shard(gallery_id), seal, gallery_id)

    def unseal(self, gallery_id: str) -> None:
        """Check the engine's files for the last time before they are opened and change; raises StoreCorrupt."""
        self.check(gallery_id)
        seal = self._seal(gallery_id)
        if seal.exists():
            seal.unlink()
            _sync(seal.parent)

    def create(self, name: str, gallery: Gallery, make_shard: Callable[[Path], None]) -> None:
        """Create the folder of a gallery or draft, whole and on disk, or not at all.

        ``make_shard`` makes the engine's files.
        """
        draft = self._root / f".new-{name}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        make_shard(draft / "shard")
        _write(draft / "gallery.json", seals.sealed(record_of_gallery(gallery)))
        _sync_all(draft)
        draft.rename(self._root / name)
        _sync(self._root)

    def publish(self, gallery_id: str) -> None:
        """Give the draft's folder, whole and on disk, the gallery's place."""
        _sync_all(self._root / draft_of(gallery_id))
        ready = self._root / f".ready-{gallery_id}"
        (self._root / draft_of(gallery_id)).rename(ready)
        self._take_place(ready, self._root / gallery_id)

    def new_shard(self, gallery_id: str) -> Path:
        """Where a copy of a gallery's engine files is made; nothing is there."""
        path = self._root / gallery_id / "shard.new"
        shutil.rmtree(path, ignore_errors=True)
        return path

    def replace_shard(self, gallery_id: str) -> None:
        """Give the copy the place of the engine's files; both must be closed, and the copy whole."""
        new = self._root / gallery_id / "shard.new"
        _sync_all(new)
        ready = new.with_name("shard.ready")
        new.rename(ready)
        self._take_place(ready, new.with_name("shard"))

    def mark_erased(self, gallery_id: str) -> None:
        """Note, on disk, that the engine's files hold what is deleted."""
        if not self.is_marked_erased(gallery_id):
            (self._root / gallery_id / "erased").touch()
            _sync(self._root / gallery_id)

    def is_marked_erased(self, gallery_id: str) -> bool:
        """Whether the engine's files may hold what is deleted."""
        return (self._root / gallery_id / "erased").exists()

    def unmark_erased(self, gallery_id: str) -> None:
        """Note that they do not."""
        (self._root / gallery_id / "erased").unlink(missing_ok=True)

    def update(self, gallery: Gallery) -> None:
        """Write a gallery's record over the one there is."""
        _write(self._root / gallery.gallery_id / "gallery.json", seals.sealed(record_of_gallery(gallery)))

    def begin_move(self, gallery_id: str, move: Mapping[str, Any]) -> None:
        """Note a move, an object of ids, payloads, vectors and remove, as one that will be done whatever happens."""
        _write(self._move(gallery_id), seals.sealed(move))

    def pending_move(self, gallery_id: str) -> Any:
        """Read the move that was begun and not ended, or None; raises StoreCorrupt."""
        path = self._move(gallery_id)
        if not path.exists():
            return None
        try:
            note = seals.unsealed(path.read_bytes())
            if set(note) != _MOVE:
                raise ValueError(f"it has the fields {', '.join(note)}")
            return note
        except (OSError, TypeError, ValueError) as error:
            raise StoreCorrupt(
                f"the file {path} cannot be read ({error})",
                expected="a move",
                remedy="restore it from a backup",
                gallery_id=gallery_id,
            ) from error

    def end_move(self, gallery_id: str) -> None:
        """Forget a move that is done and on disk."""
        self._move(gallery_id).unlink()
        _sync(self._root / gallery_id)

    def remove(self, gallery_id: str) -> None:
        """Delete a gallery's folder: gone with the rename, whatever happens after."""
        grave = self._root / f".gone-{gallery_id}"
        shutil.rmtree(grave, ignore_errors=True)
        (self._root / gallery_id).rename(grave)
        _sync(self._root)
        shutil.rmtree(grave)

    def _take_place(self, ready: Path, place: Path) -> None:
        _sync(ready.parent)
        shutil.rmtree(place, ignore_errors=True)
        ready.rename(place)
        _sync(place.parent)

    def _seal(self, gallery_id: str) -> Path:
        return self._root / gallery_id / "shard.seal"

    def _move(self, gallery_id: str) -> Path:
        return self._root / gallery_id / "move.json"


@contextmanager
def locked(store: Path, owner: int) -> Iterator[None]:
    """Hold the store's lock in the name of the process ``owner``; raises StoreUnavailable when another has it.

    A dead owner's engine process may need a moment to go: that is waited for.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / "lock").open("a+", encoding="utf-8") as lock:
        waited = 0.0
        while not _try_lock(lock.fileno()):
            lock.seek(0)
            holder = lock.read().strip()
            if waited >= (_GRACE_OF_THE_LIVING if _is_alive(holder) else _GRACE_OF_THE_DEAD):
                raise StoreUnavailable(
                    f"the store {store} is in use by process {holder or '(unknown)'}",
                    expected="one process to a store folder",
                    remedy="stop that process, or reach the store through it with --server",
                )
            time.sleep(0.05)
            waited += 0.05
        lock.truncate(0)
        lock.write(f"{owner}\n")
        lock.flush()
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _read_record(folder: Path) -> Gallery:
    path = folder / "gallery.json"
    try:
        record = seals.unsealed(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreCorrupt(
            f"the file {path} cannot be read ({error})",
            expected="a gallery's record",
            remedy="restore it from a backup, or remove its folder",
        ) from error
    gallery = gallery_of_record(record, f"the file {path}")
    if gallery.gallery_id != folder.name.removeprefix(DRAFT):
        raise StoreCorrupt(f"the file {path} is of the gallery {gallery.gallery_id!r}", remedy="name its folder so")
    return gallery


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text + "\n", "utf-8")
    _sync(draft)
    draft.rename(path)
    _sync(path.parent)


def _sync_all(root: Path) -> None:
    for folder, _, files in os.walk(root):
        for file in files:
            _sync(Path(folder, file))
        _sync(Path(folder))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
