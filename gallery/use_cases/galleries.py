"""Galleries: create, get, list, erase."""

from gallery.domain import Gallery, Page, checked_gallery_id, checked_threshold
from gallery.use_cases.base import UseCases
from gallery.use_cases.paging import checked_page_size, last_shown, token_of

_LISTING = "galleries"


class Galleries(UseCases):
    """The galleries themselves."""

    async def create_gallery(self, gallery_id: str, *, threshold: float | None = None) -> Gallery:
        """Create an empty gallery for the loaded model; raises InvalidIdentifier, GalleryAlreadyExists."""
        if threshold is not None:
            checked_threshold(threshold)
        card = self._embedder.card
        gallery = Gallery(
            checked_gallery_id(gallery_id), card.digest, card.name, card.dimension, self._clock(), threshold
        )
        await self._store.create_gallery(gallery)
        return gallery

    async def get_gallery(self, gallery_id: str) -> Gallery:
        """Describe a gallery; raises GalleryNotFound."""
        return await self._store.get_gallery(checked_gallery_id(gallery_id))

    async def list_galleries(self, *, page_size: int = 100, page_token: str = "") -> Page[Gallery]:
        """List galleries by id."""
        limit, after = checked_page_size(page_size), last_shown(_LISTING, page_token)
        galleries = await self._store.list_galleries(after=after, limit=limit)
        return Page(tuple(galleries), token_of(_LISTING, galleries[-1].gallery_id) if len(galleries) == limit else "")

    async def delete_gallery(self, gallery_id: str) -> int:
        """Erase a gallery and all in it; returns how many templates went with it."""
        return await self._store.delete_gallery(checked_gallery_id(gallery_id))
