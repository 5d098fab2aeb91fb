"""Galleries: create, get, list, change, erase."""

from dataclasses import replace

from gallery import ledger
from gallery.domain import (
    ErasureReceipt,
    Gallery,
    Page,
    Policy,
    Threshold,
    ThresholdOrigin,
    checked_gallery_id,
    checked_policy,
    checked_threshold,
)
from gallery.errors import InvalidRequest, StoreCorrupt
from gallery.use_cases.erasing import Erasing
from gallery.use_cases.paging import checked_page_size, last_shown, token_of

KEPT_THRESHOLDS = 100  # versions that a gallery remembers

_LISTING = "galleries"


class Galleries(Erasing):
    """The galleries themselves."""

    async def create_gallery(
        self, gallery_id: str, *, threshold: float | None = None, policy: Policy | None = None
    ) -> Gallery:
        """Create an empty gallery for the loaded model; raises InvalidIdentifier, GalleryAlreadyExists."""
        card = self._embedder.card
        gallery = Gallery(
            checked_gallery_id(gallery_id),
            card.digest,
            card.name,
            card.dimension,
            self._clock(),
            policy=checked_policy(policy or Policy()),
        )
        if threshold is not None:
            gallery = self._pinned(gallery, threshold)
        await self._store.create_gallery(gallery)
        return gallery

    async def get_gallery(self, gallery_id: str) -> Gallery:
        """Describe a gallery; raises GalleryNotFound."""
        return await self._store.get_gallery(checked_gallery_id(gallery_id))

    async def list_galleries(self, *, page_size: int = 100, page_token: str = "") -> Page[Gallery]:
        """List galleries by id, those that the caller may see; neither page nor token tells of another."""
        limit, after = checked_page_size(page_size), last_shown(_LISTING, page_token)
        shown: list[Gallery] = []
        more = True
        while more and len(shown) < limit:
            try:
                found = await self._store.list_galleries(after=after, limit=limit)
            except StoreCorrupt as error:
                if not self._sees(error.metadata.get("gallery_id", "")):
                    raise StoreCorrupt(str(error)) from error  # told without the gallery's name
                raise
            shown += [gallery for gallery in found if self._sees(gallery.gallery_id)]
            more = len(found) == limit
            after = found[-1].gallery_id if found else after
        shown = shown[:limit]
        return Page(tuple(shown), token_of(_LISTING, shown[-1].gallery_id) if len(shown) == limit else "")

    async def update_gallery(
        self,
        gallery_id: str,
        *,
        pinned_threshold: float | None = None,
        model_threshold: bool = False,
        policy: Policy | None = None,
    ) -> Gallery:
        """Pin the threshold by hand, go back to the model's, or replace the policy; what is not named stays.

        Raises InvalidRequest when both thresholds are asked for, GalleryChanged when somebody else was faster.
        """
        if pinned_threshold is not None and model_threshold:
            raise InvalidRequest("a threshold cannot be pinned and be the model's", expected="one of the two")
        before = after = await self._store.get_gallery(checked_gallery_id(gallery_id))
        if pinned_threshold is not None:
            after = self._pinned(after, pinned_threshold)
        if model_threshold:
            card = self._embedder.card
            after = with_threshold(
                after, Threshold(next_version(after), card.threshold, ThresholdOrigin.MODEL, self._clock())
            )
        if policy is not None:
            after = replace(after, policy=checked_policy(policy))
        if after != before:
            await self._store.update_gallery(after, replacing=before)
        return after

    async def delete_gallery(self, gallery_id: str) -> ErasureReceipt:
        """Erase a gallery and all in it, durably; raises GalleryNotFound."""
        await self._store.get_gallery(checked_gallery_id(gallery_id))
        now = self._clock()
        return await self._erased(
            gallery_id,
            lambda key: ledger.erasure_of_gallery(gallery_id, key, now),
            lambda: self._store.delete_gallery(gallery_id),
        )

    def _pinned(self, gallery: Gallery, value: float) -> Gallery:
        version = next_version(gallery)
        margin = 0.0 if gallery.threshold is None else gallery.threshold.margin
        return with_threshold(
            gallery, Threshold(version, checked_threshold(value), ThresholdOrigin.PINNED, self._clock(), margin)
        )


def next_version(gallery: Gallery) -> int:
    """Count the next version of a gallery's threshold, from 1."""
    return 1 if gallery.threshold is None else gallery.threshold.version + 1


def with_threshold(gallery: Gallery, threshold: Threshold) -> Gallery:
    """Return the gallery with ``threshold`` as the one that is applied."""
    return replace(gallery, thresholds=(*gallery.thresholds, threshold)[-KEPT_THRESHOLDS:])
