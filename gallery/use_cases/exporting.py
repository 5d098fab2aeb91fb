"""Exporting: a gallery carried elsewhere, page by page, while it is used."""

from uuid import UUID

from gallery.domain import ExportPage, checked_gallery_id
from gallery.use_cases.base import UseCases

_PAGE = 1000


class Exporting(UseCases):
    """What backups and moves of a running server are made of."""

    async def export_page(self, gallery_id: str, *, after: UUID | None = None) -> ExportPage:
        """Fetch the templates after one, by id, with embeddings, and what the gallery is; raises GalleryNotFound.

        The ledger is read before the templates. An erasure in between is then missing in the export's copy of the
        ledger, and so is applied again when the export is restored.
        """
        gallery = await self._store.get_gallery(checked_gallery_id(gallery_id))
        erasures = await self._store.list_erasures(gallery_id) if after is None else []
        templates = await self._store.scan(gallery_id, after=after, limit=_PAGE)
        return ExportPage(gallery, tuple(erasures), tuple(templates))
