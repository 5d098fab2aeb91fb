"""Implementations of the ports for tests: a store in memory that answers by plain arithmetic."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from gallery.domain import (
    DRAFT,
    EVERYTHING,
    Candidate,
    Embedding,
    Fusion,
    Gallery,
    IdentitySummary,
    LedgerEntry,
    Neighbour,
    Template,
    TemplateFilter,
    TemplateInfo,
    draft_of,
)
from gallery.matching import considered, mean_length, rank
from gallery.ports import TemplateStore
from gallery.records import (
    changed_gallery,
    checked_embedding,
    checked_embeddings,
    neighbour_of,
    taken_gallery,
    unknown_gallery,
)


@dataclass
class _Shelf:
    gallery: Gallery
    templates: dict[UUID, Template] = field(default_factory=dict)

    def fitting(self, where: TemplateFilter) -> list[Template]:
        return [template for _, template in sorted(self.templates.items()) if fits(template.info, where)]


class MemoryStore(TemplateStore):
    """A TemplateStore that forgets everything when it goes; held to the same contract as the real ones."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._ledger: dict[UUID, LedgerEntry] = {}

    async def create_gallery(self, gallery: Gallery) -> None:
        if gallery.gallery_id in self._shelves:
            raise taken_gallery(gallery.gallery_id)
        self._shelves[gallery.gallery_id] = _Shelf(gallery)

    async def get_gallery(self, gallery_id: str) -> Gallery:
        return self._shelf(gallery_id).gallery

    async def update_gallery(self, gallery: Gallery, *, replacing: Gallery) -> None:
        shelf = self._shelf(gallery.gallery_id)
        if shelf.gallery != replacing:
            raise changed_gallery(gallery.gallery_id)
        shelf.gallery = gallery

    async def list_galleries(self, *, after: str, limit: int) -> list[Gallery]:
        ids = sorted(gallery_id for gallery_id in self._shelves if gallery_id > after and DRAFT not in gallery_id)
        return [self._shelves[gallery_id].gallery for gallery_id in ids[:limit]]

    async def delete_gallery(self, gallery_id: str) -> int:
        count = len(self._shelf(gallery_id).templates)
        del self._shelves[gallery_id]
        return count

    async def create_draft(self, gallery: Gallery) -> None:
        self._shelves[draft_of(gallery.gallery_id)] = _Shelf(gallery)

    async def publish_draft(self, gallery_id: str) -> None:
        self._shelves[gallery_id] = self._shelf(draft_of(gallery_id))
        del self._shelves[draft_of(gallery_id)]

    async def put(self, gallery_id: str, templates: Sequence[Template]) -> None:
        shelf = self._shelf(gallery_id)
        rows = checked_embeddings(shelf.gallery, templates)
        shelf.templates |= {
            template.info.template_id: Template(template.info, row)
            for template, row in zip(templates, rows, strict=True)
        }

    async def move(self, gallery_id: str, templates: Sequence[Template], remove: Sequence[UUID]) -> None:
        await self.put(gallery_id, templates)
        for template_id in set(remove) - {template.info.template_id for template in templates}:
            self._shelf(gallery_id).templates.pop(template_id, None)

    async def find(self, gallery_id: str, template_ids: Sequence[UUID]) -> list[TemplateInfo]:
        held = self._shelf(gallery_id).templates
        return [held[template_id].info for template_id in dict.fromkeys(template_ids) if template_id in held]

    async def nearest(
        self, gallery_id: str, embedding: Embedding, *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Neighbour]:
        shelf = self._shelf(gallery_id)
        probe = checked_embedding(shelf.gallery, embedding)
        neighbours = [
            neighbour_of(held.info.template_id, held.info.identity_id, float(held.embedding @ probe), gallery_id)
            for held in shelf.fitting(where)
        ]
        return sorted(neighbours, key=lambda neighbour: neighbour.distance)[:limit]

    async def nearest_to_each(
        self, gallery_id: str, templates: Sequence[Template], *, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[list[Neighbour]]:
        found = []
        for template in templates:
            mine = replace(where, identity_ids=(template.info.identity_id,))
            near = await self.nearest(gallery_id, template.embedding, limit=limit, where=where)
            own = await self.nearest(gallery_id, template.embedding, limit=1, where=mine)
            found.append(near + [each for each in own if each.identity_id not in {other.identity_id for other in near}])
        return found

    async def nearest_identities(
        self, gallery_id: str, embedding: Embedding, *, limit: int, fusion: Fusion, where: TemplateFilter = EVERYTHING
    ) -> tuple[Candidate, ...]:
        held = self._shelf(gallery_id).templates
        neighbours = await self.nearest(gallery_id, embedding, limit=len(held), where=where)
        groups: dict[str, list[Neighbour]] = {}
        for neighbour in neighbours:
            groups.setdefault(neighbour.identity_id, []).append(neighbour)
        chosen = dict(list(groups.items())[: considered(limit, fusion)])
        lengths = {
            name: mean_length([held[each.template_id].embedding for each in own]) for name, own in chosen.items()
        }
        return rank([each for own in chosen.values() for each in own], limit, fusion, lengths)

    async def scan(
        self, gallery_id: str, *, after: UUID | None, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[Template]:
        held = self._shelf(gallery_id).fitting(where)
        return [each for each in held if after is None or each.info.template_id > after][:limit]

    async def count_identities(self, gallery_id: str) -> int:
        return len({template.info.identity_id for template in self._shelf(gallery_id).templates.values()})

    async def list_identities(
        self, gallery_id: str, *, after: str, limit: int, where: TemplateFilter = EVERYTHING
    ) -> list[IdentitySummary]:
        counts = Counter(template.info.identity_id for template in self._shelf(gallery_id).fitting(where))
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

    async def delete_expired(self, gallery_id: str, now: datetime) -> int:
        templates = self._shelf(gallery_id).templates
        expired = [key for key, held in templates.items() if not fits(held.info, TemplateFilter(alive_at=now))]
        for template_id in expired:
            del templates[template_id]
        return len(expired)

    async def record_erasures(self, entries: Sequence[LedgerEntry]) -> None:
        self._ledger |= {entry.entry_id: entry for entry in entries}

    async def list_erasures(self, gallery_id: str) -> list[LedgerEntry]:
        mine = [entry for entry in self._ledger.values() if entry.gallery_id == gallery_id]
        return sorted(mine, key=lambda entry: (entry.recorded_at, entry.entry_id))

    async def compact(self, gallery_id: str) -> None:
        self._shelf(gallery_id)

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None

    def _shelf(self, gallery_id: str) -> _Shelf:
        if gallery_id not in self._shelves:
            raise unknown_gallery(gallery_id)
        return self._shelves[gallery_id]


def fits(info: TemplateInfo, where: TemplateFilter) -> bool:
    """Whether a template meets every condition of ``where``."""
    context, captured = info.context, info.context.captured_at
    return all(
        (
            not where.camera_ids or context.camera_id in where.camera_ids,
            where.captured_from is None or (captured is not None and captured >= where.captured_from),
            where.captured_until is None or (captured is not None and captured < where.captured_until),
            set(where.labels) <= set(context.labels),
            not where.identity_ids or info.identity_id in where.identity_ids,
            where.change_id is None or (info.move is not None and info.move.change_id == where.change_id),
            where.alive_at is None or info.expires_at is None or info.expires_at > where.alive_at,
        )
    )
