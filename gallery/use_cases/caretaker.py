"""The caretaker: walks through the galleries now and then, and does what their policies ask for."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from gallery.domain import Gallery, ThresholdOrigin
from gallery.errors import (
    GalleryChanged,
    GalleryNotFound,
    InvalidRequest,
    ModelMismatch,
    NotEnoughEvidence,
    StoreCorrupt,
)
from gallery.ports import TemplateStore
from gallery.use_cases.base import utc_now
from gallery.use_cases.paging import MAX_PAGE_SIZE
from gallery.use_cases.upkeep import Upkeep

_log = logging.getLogger(__name__)
_DAMAGED = "the gallery %s cannot be looked after: %s"


class Caretaker:
    """Erases what has expired, clears the erased off the disk, and calibrates anew the galleries that have grown."""

    def __init__(self, upkeep: Upkeep, store: TemplateStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._upkeep = upkeep
        self._store = store
        self._clock = clock

    async def walk(self) -> None:
        """Go through all galleries once; one that changes meanwhile or cannot be calibrated waits for the next walk."""
        async for gallery in self._galleries():
            try:
                await self._store.delete_expired(gallery.gallery_id, self._clock())
                await self._store.compact(gallery.gallery_id)
                if await self._has_outgrown(gallery):
                    await self._calibrate(gallery)
            except (GalleryNotFound, GalleryChanged):
                continue
            except StoreCorrupt as error:  # the others still want care
                _log.error(_DAMAGED, gallery.gallery_id, error)
            except (InvalidRequest, ModelMismatch, NotEnoughEvidence) as error:
                _log.warning("the gallery %s cannot be calibrated anew: %s", gallery.gallery_id, error)

    async def _galleries(self) -> AsyncIterator[Gallery]:
        """Walk the galleries past those with a damaged record: it fails its whole page, so that is read one by one."""
        after, limit = "", MAX_PAGE_SIZE
        while True:
            try:
                page = await self._store.list_galleries(after=after, limit=limit)
            except StoreCorrupt as error:
                damaged = error.metadata.get("gallery_id", "")
                if limit == 1:
                    if damaged <= after:
                        raise
                    _log.error(_DAMAGED, damaged, error)
                    after = damaged
                limit = MAX_PAGE_SIZE if limit == 1 else 1
                continue
            for gallery in page:
                yield gallery
            if not page:
                return
            after = page[-1].gallery_id

    async def _has_outgrown(self, gallery: Gallery) -> bool:
        growth, threshold = gallery.policy.recalibrate_at_growth, gallery.threshold
        if growth is None or threshold is None or threshold.origin is not ThresholdOrigin.CALIBRATED:
            return False
        size = await self._store.count_identities(gallery.gallery_id)
        return threshold.identity_count is not None and size >= growth * threshold.identity_count

    async def _calibrate(self, gallery: Gallery) -> None:
        threshold = gallery.threshold
        if threshold is not None and threshold.target_fpir is not None:
            await self._upkeep.calibrate(gallery.gallery_id, target_fpir=threshold.target_fpir)
