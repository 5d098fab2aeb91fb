"""The store: the embedded one's folder, lock and disk, or the Qdrant server; and the files that the settings name."""

import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from gallery.checkup.checks import Check, State, bad, good, warning
from gallery.edge_store import EdgeStore
from gallery.errors import GalleryError
from gallery.ports import TemplateStore
from gallery.qdrant_store import QdrantStore
from gallery.server import open_qdrant
from gallery.settings import Settings

_TIGHT, _TOO_TIGHT = 2**30, 64 * 2**20  # bytes
_SHOWN = 5  # replicas that are behind
_NOT_INPUT = {"store", "model", "config", "audit", "keys"}  # made when they are missing, or checked elsewhere


async def store_checks(settings: Settings, *, in_use: bool) -> AsyncIterator[Check]:
    """Look at the store; ``in_use``: a server of ours answers, so that it holds the folder."""
    if (url := settings.qdrant_url) is not None:
        yield (answers := await _answering("Qdrant", open_qdrant(settings, url), url))
        if answers.state is State.GOOD:
            yield await _replicas(open_qdrant(settings, url))
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


async def _replicas(store: QdrantStore) -> Check:
    """See whether every replica on the server or cluster is up to date, by what it says and by what it holds."""
    try:
        states = await store.replica_states()
        settled = all(state == "Active" for state in states.values())
        uneven = await _uneven(store) if settled else []
    except GalleryError as error:
        return bad("Qdrant replicas", str(error), "see what it says, and the log of the store")
    finally:
        await store.close()
    if behind := [f"{replica} is {state}" for replica, state in states.items() if state != "Active"]:
        shown = "; ".join(behind[:_SHOWN])
        told = f"{len(behind)} of {len(states)} are behind: {shown}" + ("; …" if len(behind) > _SHOWN else "")
        return warning("Qdrant replicas", told, "take no other node away until they are Active; start those that are")
    if uneven:
        shown = ", ".join(uneven[:_SHOWN]) + (", …" if len(uneven) > _SHOWN else "")
        told = f"{len(states)}, all Active, yet {len(uneven)} templates are not on every replica: {shown}"
        return warning(
            "Qdrant replicas", told, "erase again whom you erased, enrol the others again from the same pictures"
        )
    return good("Qdrant replicas", f"{len(states)}, all Active")


async def _uneven(store: QdrantStore) -> list[str]:
    """Name the templates that some replica lacks."""
    uneven: list[str] = []
    after = ""
    while galleries := await store.list_galleries(after=after, limit=100):
        for gallery in galleries:
            found = await store.uneven(gallery.gallery_id)
            uneven += [f"{identity_id} in {gallery.gallery_id} ({each})" for each, identity_id in found.items()]
        after = galleries[-1].gallery_id
    return uneven


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _disk(place: Path) -> Check:
    free = shutil.disk_usage(place).free
    told = f"{free / 2**30:.1f} GiB free"
    if free < _TOO_TIGHT:
        return bad("disk", told, "make room: writes will be refused")
    return warning("disk", told, "make room soon") if free < _TIGHT else good("disk", told)
