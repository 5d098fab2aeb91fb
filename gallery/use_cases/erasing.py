"""Erasing: first the ledger has it, then the store does it, then the caller gets the receipt.

The ledger comes first so that a crash in between leaves an erasure that can only be done again, never one that a
restored backup could undo.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from gallery.domain import ErasureReceipt, LedgerEntry, draft_of
from gallery.errors import GalleryNotFound
from gallery.ledger import new_key
from gallery.use_cases.base import UseCases


class Erasing(UseCases):
    """What erasures and moves have in common."""

    async def _noted(self, gallery_id: str, entry_of: Callable[[str], LedgerEntry]) -> LedgerEntry:
        """Write an entry, made with the key of the gallery's ledger, into it."""
        if gallery_id not in self._ledger_keys:
            entries = await self._store.list_erasures(gallery_id)
            self._ledger_keys[gallery_id] = entries[0].key if entries else new_key()
        entry = entry_of(self._ledger_keys[gallery_id])
        await self._store.record_erasures([entry])
        return entry

    async def _erased(
        self, gallery_id: str, entry_of: Callable[[str], LedgerEntry], erase: Callable[[], Awaitable[int]]
    ) -> ErasureReceipt:
        """Note the erasure, do it, and write its receipt; a draft, which may hold the erased, goes as a whole."""
        entry = await self._noted(gallery_id, entry_of)
        count = await erase()
        draft = draft_of(gallery_id)
        with suppress(GalleryNotFound):
            await self._store.get_gallery(draft)  # mostly there is none, which is no erasure to be timed
            await self._store.delete_gallery(draft)
        return ErasureReceipt(entry.entry_id, self._clock(), count)
