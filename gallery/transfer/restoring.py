"""A backup put back: all of it or nothing, and without whoever was erased since it was made."""

from gallery.domain import LedgerEntry
from gallery.errors import GalleryAlreadyExists, InvalidBackup, ModelMismatch
from gallery.ledger import Erased
from gallery.ports import TemplateStore
from gallery.transfer.backups import Backup
from gallery.transfer.copying import CopyReport, Progress, drafted, existing, publish
from gallery.transfer.sources import StoreSource


async def restore(
    backup: Backup, store: TemplateStore, *, model_digest: str | None, replace: bool, progress: Progress
) -> CopyReport:
    """Restore a backup into a store; ``model_digest`` is of the model it will be served with, None for any.

    Raises InvalidBackup for a file that is torn or altered, or of a gallery that was erased since unless it is to
    ``replace`` what there is; ModelMismatch; GalleryAlreadyExists unless it is to ``replace`` the gallery there is.
    """
    gallery = backup.verified().gallery
    gallery_id = gallery.gallery_id
    _check_model(gallery.model_digest, model_digest, f"the backup is of the model {gallery.model_name}")
    there = await existing(store, gallery_id)
    if there is not None and not replace:
        raise GalleryAlreadyExists(
            f"the store has a gallery {gallery_id!r} already",
            remedy="say --replace to have the backup take its place",
            gallery_id=gallery_id,
        )
    if there is not None:
        _check_model(gallery.model_digest, there.model_digest, f"the backup is of the model {gallery.model_name}")
    known = await backup.erasures()
    since = await _since(store, gallery_id, known)
    backup.without = Erased(gallery_id, since)
    if backup.without.whole_gallery and not replace:
        raise InvalidBackup(
            f"the gallery {gallery_id!r} was erased after this backup was made",
            remedy="say --replace if it was erased by mistake: single people erased since stay erased",
        )
    await store.record_erasures(known)
    written, digest = await drafted(backup, store, progress)
    while later := await _since(store, gallery_id, [*known, *since]):  # erased while this went on
        since += later
        backup.without = Erased(gallery_id, since)
        written, digest = await drafted(backup, store, progress)
    await publish(store, gallery_id)
    if later := await _since(store, gallery_id, [*known, *since]):  # from what it has just taken the place of
        await _erase_again(store, gallery_id, Erased(gallery_id, later))
    return CopyReport(gallery, digest.count, written, digest.hex(), left_out=backup.left_out)


async def _erase_again(store: TemplateStore, gallery_id: str, erased: Erased) -> None:
    async for page in StoreSource(store, gallery_id).pages():
        if gone := [each.info.template_id for each in page if erased.has(each.info)]:
            await store.move(gallery_id, [], gone)


async def _since(store: TemplateStore, gallery_id: str, known: list[LedgerEntry]) -> list[LedgerEntry]:
    ids = {entry.entry_id for entry in known}
    return [entry for entry in await store.list_erasures(gallery_id) if entry.entry_id not in ids]


def _check_model(one: str, other: str | None, problem: str) -> None:
    if other is not None and one != other:
        raise ModelMismatch(
            f"{problem} ({one[:12]}…)",
            expected=f"{other[:12]}…, the model it would be used with",
            remedy="name the backup's own model with --model, or restore into a store of that model",
        )
