"""A gallery's collections: ``gallery_<id>`` is an alias, and what it stands for can be replaced under it.

    gallery_<id>                alias of the collection in use; or a collection of that name, from older versions
    gallery_<id>.0              the collection a gallery begins with
    gallery_<id>.<generation>   a collection that was made to take its place
    gallery_~<id>               alias of a draft: a collection that may take its place

No id contains a dot or a tilde. Every call may name an alias where Qdrant wants a collection, but for deletion.
"""

import time
from functools import partial

from qdrant_client import AsyncQdrantClient, models

from gallery.domain import DRAFT, Gallery, checked_gallery_id, draft_of
from gallery.errors import GalleryAlreadyExists
from gallery.qdrant_store.attempts import Attempts
from gallery.qdrant_store.conditions import INDICES
from gallery.qdrant_store.options import QdrantOptions
from gallery.qdrant_store.translation import translated
from gallery.records import record_of_gallery, taken_gallery, unknown_gallery

PREFIX = "gallery_"

_FIRST = "0"
_UNFINISHED_NS = 600 * 10**9
"""How young a collection without an alias must be to belong to somebody who is just making it."""


class Collections:
    """Creates, lists, replaces and deletes the collections of galleries."""

    def __init__(self, client: AsyncQdrantClient, options: QdrantOptions, attempts: Attempts) -> None:
        self._client = client
        self._options = options
        self._attempts = attempts

    async def create(self, gallery: Gallery) -> None:
        """Create; raises GalleryAlreadyExists. The first collection's name decides between two who create at once."""
        gallery_id = checked_gallery_id(gallery.gallery_id)
        if PREFIX + gallery_id in await self._taken():
            raise taken_gallery(gallery_id)
        collection = f"{PREFIX}{gallery_id}.{_FIRST}"
        try:
            await self._make(collection, gallery)
        except GalleryAlreadyExists:
            await self._alias(gallery_id, collection)  # its maker may not have lived to do it
            raise
        await self._alias(gallery_id, collection)
        await self.index(gallery_id)

    async def create_draft(self, gallery: Gallery) -> None:
        """Create a draft beside the gallery of its id, or an empty one in the place of the draft there is."""
        draft = draft_of(checked_gallery_id(gallery.gallery_id))
        if PREFIX + draft in await self._aliases():
            await self.delete(draft)
        collection = f"{PREFIX}{gallery.gallery_id}.{time.time_ns():x}"
        await self._make(collection, gallery)
        await self._alias(draft, collection)
        await self.index(draft)

    async def publish(self, gallery_id: str) -> None:
        """Have the draft take the gallery's place in one step, then delete what was there; raises GalleryNotFound.

        Where a collection itself has the gallery's name, as older versions made them, it is deleted first.
        """
        name, draft = PREFIX + checked_gallery_id(gallery_id), PREFIX + draft_of(gallery_id)
        aliases = await self._aliases()
        if draft not in aliases:
            raise unknown_gallery(draft_of(gallery_id))
        if name in await self._collections():
            await self._delete(gallery_id, name)
        switch: list[models.AliasOperations] = [
            models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=draft)),
            _aliasing(name, aliases[draft]),
        ]
        await self._attempts.call(gallery_id, lambda: self._client.update_collection_aliases(switch))
        for old in await self._generations(gallery_id):
            if old != aliases[draft]:
                await self._delete(gallery_id, old)

    async def ids(self) -> list[str]:
        """List the ids of all galleries, in order; drafts are none."""
        names = [name.removeprefix(PREFIX) for name in await self._taken()]
        return sorted(name for name in names if not name.startswith(DRAFT))

    async def delete(self, gallery_id: str) -> None:
        """Delete a gallery's collection and every other one made for it, or a draft's."""
        aliases, name = await self._aliases(), PREFIX + gallery_id
        current = aliases.get(name, name)
        if not gallery_id.startswith(DRAFT):
            for old in await self._generations(gallery_id):
                if old != current:
                    await self._delete(gallery_id, old)
        await self._delete(gallery_id, current)  # last, and with its alias: until then the gallery is there

    async def sweep(self, gallery_id: str) -> None:
        """Delete collections of a gallery that nothing stands for any more, left over by a crash."""
        used = set((await self._aliases()).values())
        for name in await self._generations(gallery_id):
            generation = name.rpartition(".")[2]
            if name not in used and time.time_ns() - int(generation, 16) > _UNFINISHED_NS:
                await self._delete(gallery_id, name)

    async def index(self, gallery_id: str) -> None:
        """Make the payload indices; those that exist stay."""
        for field, schema in INDICES.items():
            make = partial(self._client.create_payload_index, PREFIX + gallery_id, wait=True)
            await self._attempts.call(gallery_id, partial(make, field_name=field, field_schema=schema))

    async def _make(self, collection: str, gallery: Gallery) -> None:
        """Create a collection; not repeated, for a second try would find the first's."""
        with translated(gallery.gallery_id):
            await self._client.create_collection(
                collection, metadata=record_of_gallery(gallery), **self._options.collection(gallery.dimension)
            )

    async def _alias(self, gallery_id: str, collection: str) -> None:
        operation = _aliasing(PREFIX + gallery_id, collection)
        await self._attempts.call(gallery_id, lambda: self._client.update_collection_aliases([operation]))

    async def _delete(self, gallery_id: str, collection: str) -> None:
        await self._attempts.call(gallery_id, lambda: self._client.delete_collection(collection))

    async def _aliases(self) -> dict[str, str]:
        answer = await self._attempts.call("", self._client.get_aliases)
        return {each.alias_name: each.collection_name for each in answer.aliases if each.alias_name.startswith(PREFIX)}

    async def _collections(self) -> list[str]:
        answer = await self._attempts.call("", self._client.get_collections)
        return [each.name for each in answer.collections if each.name.startswith(PREFIX)]

    async def _taken(self) -> list[str]:
        return [*(name for name in await self._collections() if "." not in name), *await self._aliases()]

    async def _generations(self, gallery_id: str) -> list[str]:
        return [name for name in await self._collections() if name.startswith(f"{PREFIX}{gallery_id}.")]


def _aliasing(alias: str, collection: str) -> models.CreateAliasOperation:
    return models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection, alias_name=alias))
