"""Implementations of the ports for tests: a store in memory that answers by plain arithmetic."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gallery.domain import Embedding, Gallery, IdentitySummary, Neighbour, Template, TemplateInfo
from gallery.ports import TemplateStore
from gallery.records import checked_embedding, checked_embeddings, neighbour_of, taken_gallery, unknown_gallery


@dataclass
class _Shelf:
    gallery: Gallery
    templates: dict[UUID, Template] = field(default_factory=dict)


class MemoryStore(TemplateStore):
    """A TemplateStore that forgets everything when it goes; held to the same contract as the real ones."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}

    async def create_gallery(self, gallery: Gallery) -> None:
        if gallery.gallery_id in self._shelves:
            raise taken_gallery(gallery.gallery_id)
        self._shelves[gallery.gallery_id] = _Shelf(gallery)

    async def get_gallery(self, gallery_id: str) -> Gallery:
        return self._shelf(gallery_id).gallery

    async def list_galleries(self, *, after: str, limit: int) -> list[Gallery]:
        ids = sorted(gallery_id for gallery_id in self._shelves if gallery_id > after)
        return [self._shelves[gallery_id].gallery for gallery_id in ids[:limit]]

    async def delete_gallery(self, gallery_id: str) -> int:
        count = len(self._shelf(gallery_id).templates)
        del self._shelves[gallery_id]
        return count

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None:
        shelf = self._shelf(gallery_id)
        rows = checked_embeddings(shelf.gallery, templates)
        shelf.templates |= {
            template.info.template_id: Template(template.info, row)
            for template, row in zip(templates, rows, strict=True)
        }

    async def find(self, gallery_id: str, template_ids: Sequence[UUID]) -> list[TemplateInfo]:
        held = self._shelf(gallery_id).templates
        return [held[template_id].info for template_id in dict.fromkeys(template_ids) if template_id in held]

    async def nearest(
        self, gallery_id: str, embedding: Embedding, *, limit: int, identity_id: str | None = None
    ) -> list[Neighbour]:
        shelf = self._shelf(gallery_id)
        probe = checked_embedding(shelf.gallery, embedding)
        neighbours = [
            neighbour_of(template_id, held.info.identity_id, float(held.embedding @ probe), gallery_id)
            for template_id, held in shelf.templates.items()
            if identity_id in (None, held.info.identity_id)
        ]
        return sorted(neighbours, key=lambda neighbour: neighbour.distance)[:limit]

    async def list_identities(self, gallery_id: str, *, after: str, limit: int) -> list[IdentitySummary]:
        counts = Counter(template.info.identity_id for template in self._shelf(gallery_id).templates.values())
        return [IdentitySummary(name, counts[name]) for name in sorted(counts) if name > after][:limit]

    async def list_templates(self, gallery_id: str, identity_id: str) -> list[TemplateInfo]:
        infos = [template.info for template in self._shelf(gallery_id).templates.values()]
        mine = [info for info in infos if info.identity_id == identity_id]
        return sorted(mine, key=lambda info: (info.enrolled_at, info.template_id))

    async def delete_identity(self, gallery_id: str, identity_id: str) -> int:
        templates = self._shelf(gallery_id).templates
        mine = [template_id for template_id, held in templates.items() if held.info.identity_id == identity_id]
        for template_id in mine:
            del templates[template_id]
        return len(mine)

    async def delete_template(self, gallery_id: str, template_id: UUID) -> bool:
        return self._shelf(gallery_id).templates.pop(template_id, None) is not None

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None

    def _shelf(self, gallery_id: str) -> _Shelf:
        if gallery_id not in self._shelves:
            raise unknown_gallery(gallery_id)
        return self._shelves[gallery_id]
