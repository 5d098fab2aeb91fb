"""The process that owns the store's folder and its engine: requests in, answers out, until its parent is gone.

Requests are carried out in order, but searches go first. Reads, and requests that bring themselves to disk, are
answered at once. Writes are answered together, after one flush has brought them all to disk: when the pipe is empty for
a moment, or the inbox is full. Compaction goes on in steps whenever the pipe is empty; when it never is, by one step
after each group of requests. The end of the pipe is the order to stop, so that no engine outlives its parent.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from gallery.edge_store.folders import GalleryFolders, locked
from gallery.edge_store.frames import frame
from gallery.edge_store.inbox import Inbox
from gallery.edge_store.ledger import LedgerFile
from gallery.edge_store.messages import (
    Answer,
    Asked,
    Compact,
    CountIdentities,
    CreateDraft,
    CreateGallery,
    DeleteExpired,
    DeleteGallery,
    DeleteIdentity,
    DeleteTemplate,
    Erasures,
    Find,
    Hello,
    ListErasures,
    ListIdentities,
    ListTemplates,
    MoveTemplates,
    Nearest,
    NearestIdentities,
    NearestToEach,
    Ping,
    PublishDraft,
    Put,
    RecordErasures,
    Request,
    Scan,
    UpdateGallery,
    Write,
)
from gallery.edge_store.shards import Shards
from gallery.errors import GalleryError, StoreUnavailable

Send: TypeAlias = Callable[[object], None]
Handlers: TypeAlias = dict[type[Request], Callable[[Any], Any]]


def serve(store: Path, owner: int, inbox: int, send: Send) -> None:
    """Answer the requests of the pipe ``inbox`` from the store until its end; ``owner`` is the parent's pid."""
    try:
        with locked(store, owner):
            folders = GalleryFolders(store)
            shards = Shards(folders)
            send(Hello(*folders.read()))
            work(shards, LedgerFile(store), inbox, send)
            shards.close()
    except OSError as error:
        send(StoreUnavailable(f"the store {store} cannot be opened ({error})", expected="a folder that can be written"))
    except GalleryError as error:
        send(error)


def work(shards: Shards, ledger: LedgerFile, pipe: int, send: Send) -> None:
    """Carry out the requests of ``pipe`` until its end; no write is answered before it is on disk."""
    handlers, inbox = _handlers(shards, ledger), Inbox(pipe)
    written: list[tuple[str, Answer]] = []
    compacting: dict[str, list[Answer]] = {}
    while inbox.others or not inbox.ended:
        idle = not inbox.others and not compacting
        if idle or (not inbox.full and inbox.has_more()):
            inbox.take()
        while inbox.probes:
            send(_answer(shards, handlers, inbox.probes.popleft()))
        if inbox.others:
            asked = inbox.others.popleft()
            answer = _answer(shards, handlers, asked)
            # What a search for known templates finds is called enrolled, so it has to be on disk as well.
            if isinstance(asked.request, Write | Find) and answer.error is None:
                written.append((asked.request.gallery_id, answer))
            elif isinstance(asked.request, Compact) and answer.value:
                compacting.setdefault(asked.request.gallery_id, []).append(Answer(asked.number))
            else:
                send(answer)
        if not inbox.others and (inbox.full or not inbox.has_more()):
            _commit(shards, written, send)
            written = []
            inbox.begin_group()
        if compacting and not inbox.others:
            _go_on(shards, compacting, send)


def _go_on(shards: Shards, compacting: dict[str, list[Answer]], send: Send) -> None:
    for gallery_id, error in shards.rewrite().items():
        for answer in compacting.pop(gallery_id, []):
            send(answer if error is None else Answer(answer.number, error=_refused(error)))
    for gallery_id in [each for each in compacting if each not in shards.rewriting]:  # closed or deleted meanwhile
        for answer in compacting.pop(gallery_id):
            send(Answer(answer.number, error=StoreUnavailable("the compaction was given up", remedy="ask again")))


def _commit(shards: Shards, written: list[tuple[str, Answer]], send: Send) -> None:
    failed = shards.flush()
    for gallery_id, answer in written:
        error = failed.get(gallery_id)
        send(answer if error is None else Answer(answer.number, error=_refused(error)))


def _handlers(shards: Shards, ledger: LedgerFile) -> Handlers:
    return {
        Ping: lambda request: None,
        CreateGallery: shards.create,
        UpdateGallery: shards.replace,
        DeleteGallery: shards.delete,
        CreateDraft: shards.create_draft,
        PublishDraft: shards.publish_draft,
        Compact: shards.compact,
        RecordErasures: ledger.record,
        ListErasures: ledger.list,
        Put: shards.put,
        MoveTemplates: shards.move,
        Find: shards.find,
        Nearest: shards.nearest,
        NearestToEach: shards.nearest_to_each,
        NearestIdentities: shards.nearest_identities,
        Scan: shards.scan,
        CountIdentities: shards.count_identities,
        ListIdentities: shards.list_identities,
        ListTemplates: shards.list_templates,
        DeleteIdentity: shards.delete_identity,
        DeleteTemplate: shards.delete_template,
        DeleteExpired: shards.delete_expired,
    }


def _answer(shards: Shards, handlers: Handlers, asked: Asked) -> Answer:
    request = asked.request
    try:
        return Answer(asked.number, handlers[type(request)](request))
    except GalleryError as error:
        return Answer(asked.number, error=error)
    except Exception as error:
        if not isinstance(request, Ping | CreateGallery | CreateDraft | Erasures):
            shards.drop(request.gallery_id)  # its memory may hold half a write; what is on disk counts
        return Answer(asked.number, error=_refused(error))


def _refused(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"the engine failed ({error})", remedy="see whether the disk is full, then try again")


def main() -> None:
    """Serve the store ``argv[1]`` to the parent ``argv[2]`` over standard input and output."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group; the parent drains, then closes the pipe
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)  # templates are personal data
    outbox = os.dup(1)
    os.dup2(2, 1)  # whatever else prints, prints to standard error

    def send(message: object) -> None:
        rest = memoryview(frame(message))
        with suppress(BrokenPipeError):  # the parent is gone, and the inbox will end
            while rest:
                rest = rest[os.write(outbox, rest) :]

    serve(Path(sys.argv[1]), int(sys.argv[2]), 0, send)


if __name__ == "__main__":
    main()
