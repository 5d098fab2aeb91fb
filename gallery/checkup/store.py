"""The store: the embedded one's folder, lock and disk, or the Qdrant server; and the files that the settings name."""

import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from gallery.checkup.checks import Check, State, bad, good, warning
from gallery.checkup.replicas import replicas_check
from gallery.edge_store import EdgeStore
from gallery.errors import GalleryError
from gallery.ports import TemplateStore
from gallery.server import open_qdrant
from gallery.settings import Settings

_TIGHT, _TOO_TIGHT = 2**30, 64 * 2**20  # bytes
_NOT_INPUT = {"store", "model", "config", "audit", "keys"}  # made when they are missing, or checked elsewhere


async def store_checks(settings: Settings, *, in_use: bool, mend: bool) -> AsyncIterator[Check]:
    """Look at the store; ``in_use``: a server of ours answers, so that it holds the folder; ``mend``: Qdrant's."""
    if (url := settings.qdrant_url) is not None:
        yield (answers := await _answering("Qdrant", open_qdrant(settings, url), url))
        if answers.state is State.GOOD:
            yield await replicas_check(open_qdrant(settings, url), mend=mend)
        return
    place = _existing(settings.store)
    if not os.access(place, os.W_OK | os.X_OK) or not place.is_dir():
        yield bad("store folder", f"{place} cannot be written", "give the server's user the right, or --store another")
        return
    yield _disk(place)
    if not settings.store.exists():
        yield good("store folder", f"{settings.store} will be made")
    elif in_use:
        yield good("store folder", f"{settings.store} is writable, and the running server's")
    else:
        yield await _answering("store folder", EdgeStore(settings.store), str(settings.store))


def file_checks(settings: Settings) -> Iterator[Check]:
    """See that the files which the settings name are there and can be read, private keys by their owner alone."""
    for name in type(settings).model_fields:
        file = getattr(settings, name)
        if not isinstance(file, Path) or name in _NOT_INPUT:
            continue
        if not file.is_file() or not os.access(file, os.R_OK):
            yield bad(name, f"{file} cannot be read", f"name another with --{name.replace('_', '-')}")
        elif "key" in name and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield warning(name, f"{file} can be read by others than its owner", f"chmod 600 {file}")
        else:
            yield good(name, str(file))


async def _answering(name: str, store: TemplateStore, place: str) -> Check:
    """Open a store, read a template of each gallery, which looks at the gallery's files, and close it."""
    try:
        await store.check()
        count, after = 0, ""
        while galleries := await store.list_galleries(after=after, limit=100):
            for gallery in galleries:
                await store.scan(gallery.gallery_id, after=None, limit=1)
            count += len(galleries)
            after = galleries[-1].gallery_id
        return good(name, f"{place} answers, {count} galleries")
    except GalleryError as error:
        return bad(name, str(error), "see what it says, and the log of the store")
    finally:
        await store.close()


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _disk(place: Path) -> Check:
    free = shutil.disk_usage(place).free
    told = f"{free / 2**30:.1f} GiB free"
    if free < _TOO_TIGHT:
        return bad("disk", told, "make room: writes will be refused")
    return warning("disk", told, "make room soon") if free < _TIGHT else good("disk", told)
