"""Stores opened by themselves, with no model: for what moves templates without looking at them."""

import asyncio
from pathlib import Path


def compact(folder: Path, gallery_id: str) -> None:
    """Have what was erased from a gallery of a store folder leave its files."""
    from gallery.edge_store import EdgeStore

    async def work() -> None:
        store = EdgeStore(folder)
        try:
            await store.compact(gallery_id)
        finally:
            await store.close()

    asyncio.run(work())
