"""A gallery to enrol into in bulk, on a store in memory and an embedder that hashes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from gallery.domain import (
    EVERYTHING,
    BulkItem,
    BulkResult,
    Embedded,
    EncodedImage,
    Lane,
    Neighbour,
    Quality,
    Template,
    TemplateFilter,
    TemplateInfo,
)
from gallery.errors import InvalidImage, StoreUnavailable
from gallery.model_card import ModelCard
from gallery.ports import Embedder
from gallery.use_cases import GalleryUseCases
from tests.fakes import MemoryStore
from tests.stores.samples import unit

CARD = ModelCard(name="hash", digest="0" * 64, height=32, width=16, dimension=16, threshold=0.3)
GOOD = Quality(width=16, height=32, sharpness=1.0, brightness=0.5, contrast=0.5, strangeness=None)


class HashEmbedder(Embedder):
    """Embeds equal contents, up to a '+', alike and others apart; refuses ``bad``; knows what it was asked."""

    def __init__(self) -> None:
        self.embedded: list[bytes] = []
        self._more = asyncio.Event()
        self.lanes: set[Lane] = set()
        self.running = asyncio.Event()
        self.running.set()

    @property
    def card(self) -> ModelCard:
        return CARD

    async def embed(self, image: EncodedImage, lane: Lane = Lane.UNARY) -> tuple[Embedded, ...]:
        self.lanes.add(lane)
        self.embedded.append(image.content)
        self._more.set()
        await self.running.wait()
        if image.content == b"bad":
            raise InvalidImage("it is bad")
        seed = int.from_bytes(hashlib.sha256(image.content.partition(b"+")[0]).digest()[:8], "big")
        return (Embedded(None, unit(seed), CARD.digest, GOOD),)

    async def asked(self, count: int) -> None:
        """Wait until so many were asked for."""
        while len(self.embedded) < count:
            self._more.clear()
            await self._more.wait()


class WatchedStore(MemoryStore):
    """Notes the size of each group it is asked for, and does not answer writes or lookups while it is ``silent``."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[int] = []
        self.looked_up: list[int] = []
        self.compared: list[int] = []
        self.silent = False
        self.writing = asyncio.Event()
        self.writing.set()

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None:
        await self.writing.wait()
        if self.silent:
            raise StoreUnavailable("silence")
        self.written.append(len(templates))
        await super().put(gallery_id, templates)

    async def nearest_to_each(
        self, gallery_id: str, templates: Sequence[Template], *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[list[Neighbour]]:
        self.compared.append(len(templates))
        return await super().nearest_to_each(gallery_id, templates, limit=limit, where=where)

    async def find(self, gallery_id: str, template_ids: Sequence[UUID]) -> list[TemplateInfo]:
        self.looked_up.append(len(template_ids))
        return await super().find(gallery_id, template_ids)


@dataclass
class Bench:
    """A gallery 'lobby' and what it stands on."""

    use_cases: GalleryUseCases
    embedder: HashEmbedder
    store: WatchedStore

    async def enrol(self, items: Iterable[BulkItem | BulkResult]) -> dict[str, BulkResult]:
        return {result.item_id: result async for result in self.use_cases.bulk_enroll("lobby", given(items))}

    async def count(self) -> int:
        return len(await self.store.scan("lobby", after=None, limit=10**9))


def item(number: int | str, identity_id: str = "ann", content: bytes | None = None) -> BulkItem:
    return BulkItem(str(number), identity_id, EncodedImage(str(number).encode() if content is None else content))


async def given(items: Iterable[BulkItem | BulkResult]) -> AsyncIterator[BulkItem | BulkResult]:
    for each in items:
        yield each


def created(result: BulkResult) -> bool:
    assert result.template is not None, result.error
    return result.template.created
