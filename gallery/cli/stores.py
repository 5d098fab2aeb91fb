"""A store folder opened by itself, with no model, for what needs none."""

import asyncio
from pathlib import Path

from gallery.cli.places import Place, opened_store


def compact(folder: Path, gallery_id: str) -> None:
    """Have what was erased from a gallery of a store folder leave its files."""

    async def work() -> None:
        async with opened_store(Place("store", str(folder)), create=False) as store:
            await store.compact(gallery_id)

    asyncio.run(work())
