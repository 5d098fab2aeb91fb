"""`gallery backup` and `gallery restore`: a gallery as one file, and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery.cli.output import print_json, progress
from gallery.cli.places import PLACES, Place, opened_store
from gallery.cli.secured import AllowPlaintextKey, ApiKey, ClientCert, ClientKey, Secured, TlsCa, UseTls

if TYPE_CHECKING:
    from gallery.transfer import BackupSummary, CopyReport
    from gallery.transfer.sources import Source

_SECONDS_A_PAGE = 60.0

_FILES = """A backup holds embeddings, which are personal data: the file is readable by its owner alone (mode 0600).
It has checksums, which find damage, and no signature, which would find forgery."""

BACKUP_EPILOG = f"""Examples:

gallery backup lobby --from store:gallery-store -o lobby.gallery

gallery backup lobby --from qdrant:http://localhost:6333 -o lobby.gallery

gallery backup lobby --from server:localhost:50051 -o lobby.gallery

gallery backup --verify lobby.gallery

{PLACES} server:HOST:PORT is a running gallery server, with an admin's key.

{_FILES} A store folder that a server uses is locked: back it up through the server. A gallery
may be used meanwhile; what is enrolled after the backup was begun may be missing in it."""

RESTORE_EPILOG = f"""Examples:

gallery restore lobby.gallery --to store:gallery-store

gallery restore lobby.gallery --to qdrant:http://localhost:6333 --replace

{PLACES}

The gallery is there whole, or not at all. A file that is torn, altered or of another model is refused. Whoever was
erased after the backup was made stays erased: the store's ledger of erasures knows them. A store that was lost with its
ledger does not: keep copies of erasures.jsonl, too."""


def backup(
    gallery: Annotated[str | None, typer.Argument(metavar="[GALLERY]", show_default=False, help="Its name.")] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="PLACE", show_default=False, help="Where the gallery is.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", show_default=False, help="The file to write.")
    ] = None,
    verify: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default=False, help="Only read this backup, and say what it is.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else; for scripts.")] = False,
    api_key: ApiKey = None,
    tls: UseTls = False,
    tls_ca: TlsCa = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    allow_plaintext_key: AllowPlaintextKey = False,
) -> None:
    """Write a gallery into one file with checksums, or verify such a file."""
    if verify is not None:
        if gallery is not None or source is not None or output is not None:
            raise typer.BadParameter("--verify goes alone")
        _say(verified(verify), verify, as_json=json)
    elif gallery is None or source is None or output is None:
        raise typer.BadParameter("name a GALLERY, --from where it is, and --output FILE; or --verify FILE")
    else:
        secured = Secured(api_key, tls, tls_ca, client_cert, client_key, allow_plaintext_key)
        back_up(Place.of(source, "--from", "store", "qdrant", "server"), gallery, output, secured, as_json=json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `gallery backup` wrote.")],
    target: Annotated[str, typer.Option("--to", metavar="PLACE", help="The store to restore into.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of the gallery that is there, or was erased since.")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar="GALLERY_MODEL", show_default="the bundled one", help="The model it is served with."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else; for scripts.")] = False,
) -> None:
    """Restore a gallery from a file: all of it or nothing, and nobody who was erased since."""
    from gallery.cli.migrate import tell

    goal = Place.of(target, "--to", "store", "qdrant")
    report = restored(file, goal, model=model, any_model=False, replace=replace)
    if json:
        print_json(report)
    tell(report, str(goal), quiet=json)


def back_up(origin: Place, gallery_id: str, path: Path, secured: Secured | None = None, *, as_json: bool) -> None:
    """Write a gallery of a store or server into a file, read it again, and say what is in it."""
    from gallery import transfer

    async def work() -> None:
        with progress() as bar:
            task = bar.add_task(gallery_id, total=None)
            async with _opened_source(origin, gallery_id, secured) as source:
                chunks = transfer.backup_chunks(source)
                async for done in transfer.write_backup(chunks, path):
                    bar.update(task, completed=done)

    asyncio.run(work())
    _say(verified(path), path, as_json=as_json)


@asynccontextmanager
async def _opened_source(origin: Place, gallery_id: str, secured: Secured | None) -> "AsyncIterator[Source]":
    from gallery.transfer.sources import ServerSource, StoreSource

    if origin.kind != "server":
        async with opened_store(origin, create=False) as store:
            yield StoreSource(store, gallery_id)
        return
    from gallery.client import AsyncGalleryClient

    arguments = {} if secured is None else secured.arguments
    async with AsyncGalleryClient(origin.name, timeout=_SECONDS_A_PAGE, **arguments) as client:
        yield ServerSource(client, gallery_id)


def restored(path: Path, goal: Place, *, model: Path | None, any_model: bool, replace: bool) -> "CopyReport":
    """Restore a file into a store; raises what `transfer.restore` raises."""
    from gallery import transfer
    from gallery.model_card import ModelCard
    from gallery.settings import BUNDLED_MODEL

    digest = None if any_model else ModelCard.read(model or BUNDLED_MODEL).digest

    async def work() -> "CopyReport":
        with progress() as bar:
            task = bar.add_task(path.name, total=None)
            async with opened_store(goal, create=True) as store:
                return await transfer.restore(
                    transfer.Backup(path),
                    store,
                    model_digest=digest,
                    replace=replace,
                    progress=lambda done: bar.update(task, completed=done),
                )

    return asyncio.run(work())


def verified(path: Path) -> "BackupSummary":
    """Read a backup to its end; raises InvalidBackup."""
    from gallery.transfer import Backup

    return Backup(path).verified()


def _say(summary: "BackupSummary", path: Path, *, as_json: bool) -> None:
    gallery = summary.gallery
    if as_json:
        print_json(summary)
        return
    typer.echo(
        f"{path} is whole: the gallery '{gallery.gallery_id}' of {summary.created_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"{summary.template_count} templates of the model {gallery.model_name} ({gallery.model_digest[:12]}), "
        f"digest {summary.digest[:12]}"
    )
