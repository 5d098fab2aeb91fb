"""Bulk enrolment: any number of images as fast as they can be embedded, in memory that does not grow with them.

Each item goes its own way: described and looked up, embedded, compared and written. The store is asked in groups: the
items that arrive while one group is looked up make the next, and templates wait a moment for others that are coming,
so that many share a search and a flush.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from uuid import UUID

from gallery import matching
from gallery.domain import (
    Basis,
    BulkItem,
    BulkResult,
    EnrolledTemplate,
    Gallery,
    Lane,
    Neighbour,
    OnConflict,
    TemplateInfo,
    checked_context,
    checked_identity_id,
)
from gallery.errors import EnrolmentConflict, GalleryError, InvalidIdentifier, ModelMismatch, NotFound, StoreCorrupt
from gallery.flow import answered
from gallery.use_cases.base import check_one_person
from gallery.use_cases.enrolling import Enrolling, Taken, compared
from gallery.use_cases.groups import Groups
from gallery.use_cases.room import Room

BulkSource: TypeAlias = AsyncIterable[BulkItem | BulkResult]

_IN_FLIGHT = 256  # more than are embedded while a group is brought to disk
_BYTES_IN_FLIGHT = 64 * 2**20
_LOOKED_UP_AT_ONCE = 64
_WRITTEN_AT_ONCE = 64  # a flush costs as much as embedding a picture
_PATIENCE = 1.0  # seconds that a template waits for others to share its flush, while others are coming
_MAX_ITEM_ID_LENGTH = 256
_ENDS_ALL = (NotFound, ModelMismatch, StoreCorrupt)


class BulkEnrolment(Enrolling):
    """Who is put into a gallery, many at a time."""

    async def bulk_enroll(self, gallery_id: str, items: BulkSource) -> AsyncGenerator[BulkResult, None]:
        """Enrol each item as `enroll` would, and answer it when its template is durable; answers may overtake others.

        What is wrong with an item is its own answer, and so is a store that does not answer (StoreUnavailable) or a
        full queue (Overloaded): such an item is simply given again. A BulkResult among the items is passed on: it
        stands for an item that was refused before it came here. Item ids need not differ: each item is answered.
        At most 256 items and 64 MiB of pictures are held, and no more are taken while answers are not.

        Raises InvalidIdentifier, GalleryNotFound, ModelMismatch, StoreCorrupt and whatever ``items`` raises; what was
        answered before is durable all the same.
        """
        await self._open(gallery_id)
        making: dict[UUID, _Making] = {}
        run = _Run(
            making,
            lookups=Groups(lambda items: self._look_up(gallery_id, making, items), largest=_LOOKED_UP_AT_ONCE),
            writes=Groups(
                lambda group: self._compare_and_write(gallery_id, group),
                largest=_WRITTEN_AT_ONCE,
                patience=_PATIENCE,
                are_all=lambda waiting: waiting >= run.coming,
            ),
        )
        try:
            answers = answered(run.fitting(items), lambda item: self._result(run, item), in_flight=_IN_FLIGHT)
            async with aclosing(answers):
                async for answer in answers:
                    yield answer
        finally:
            await run.lookups.close()
            await run.writes.close()

    async def _result(self, run: "_Run", item: BulkItem | BulkResult) -> BulkResult:
        if isinstance(item, BulkResult):
            return item
        run.begin()
        try:
            template = await self._enrol(run, item)
        except _ENDS_ALL:
            raise
        except GalleryError as error:
            self._observer.refused(error)
            return BulkResult(item.item_id, error=error)
        else:
            self._observer.enrolled(template)
            return BulkResult(item.item_id, template=template)
        finally:
            run.end()
            run.room.give(len(item.image.content))

    async def _enrol(self, run: "_Run", item: BulkItem) -> EnrolledTemplate:
        if len(item.item_id) > _MAX_ITEM_ID_LENGTH:
            raise InvalidIdentifier(
                f"the item id {item.item_id[:40]!r}… has {len(item.item_id)} characters",
                expected=f"at most {_MAX_ITEM_ID_LENGTH}",
            )
        checked_identity_id(item.identity_id)
        checked_context(item.image.context)
        check_one_person(item.image)
        place = await run.lookups.ask(item)
        if place.known is not None:
            return EnrolledTemplate(0, place.known, created=False)
        if place.earlier is not None:
            run.end()  # it writes nothing itself
            try:
                return replace(await place.earlier.outcome(), created=False)
            finally:
                run.begin()
        making = run.making[place.info.template_id]
        try:
            taken = await self._embedded(place.gallery, place.info, item.image, Lane.BULK)
            outcome = await run.writes.ask((place, taken))
            if isinstance(outcome, EnrolmentConflict):
                raise outcome
            enrolled = outcome.enrolled(0)
        except GalleryError as error:
            making.end(error)
            raise
        else:
            making.end(enrolled)
            return enrolled
        finally:
            del run.making[place.info.template_id]

    async def _look_up(
        self, gallery_id: str, making: "dict[UUID, _Making]", items: Sequence[BulkItem]
    ) -> "list[_Place]":
        """Say of each item whether its template is there, is being made for another item, or is to be made."""
        gallery = await self._open(gallery_id)
        basis = await self._basis(None, gallery)
        described = await asyncio.to_thread(
            lambda: [self._described(gallery, item.identity_id, item.image) for item in items]
        )
        earlier = {info.template_id: making.get(info.template_id) for info in described}
        unmet = [template_id for template_id, other in earlier.items() if other is None]
        known = await self._known(gallery, unmet)
        places = []
        for info in described:
            template_id = info.template_id
            places.append(_Place(gallery, basis, info, known.get(template_id), earlier[template_id]))
            if template_id not in known and earlier[template_id] is None:
                making[template_id] = earlier[template_id] = _Making()
        return places

    async def _compare_and_write(
        self, gallery_id: str, group: "Sequence[tuple[_Place, Taken]]"
    ) -> list[Taken | EnrolmentConflict]:
        """Compare each with what is stored and with those of the group before it that are kept, and write these."""
        templates = [taken.template for _, taken in group]
        outcomes: list[Taken | EnrolmentConflict] = [taken for _, taken in group]
        if any(place.gallery.policy.on_conflict is not OnConflict.ACCEPT for place, _ in group):
            stored = await self._near(gallery_id, templates)
            distances = matching.cosine_distances([template.embedding for template in templates])
            kept: list[int] = []
            for index, (place, taken) in enumerate(group):
                before = [_neighbour(templates[other].info, float(distances[index, other])) for other in kept]
                try:
                    policy = place.gallery.policy.on_conflict
                    outcomes[index] = compared(policy, place.basis, taken, [*stored[index], *before])
                    kept.append(index)
                except EnrolmentConflict as error:
                    outcomes[index] = error
            templates = [templates[index] for index in kept]
        if templates:
            await self._store.put(gallery_id, templates)
        return outcomes


class _Making:
    """A template that is being made; items with the same content wait for what becomes of it."""

    def __init__(self) -> None:
        self._outcome: asyncio.Future[EnrolledTemplate | GalleryError] = asyncio.get_running_loop().create_future()

    def end(self, outcome: EnrolledTemplate | GalleryError) -> None:
        """Say what became of it."""
        self._outcome.set_result(outcome)

    async def outcome(self) -> EnrolledTemplate:
        """Wait for it; raises what it was refused with."""
        outcome = await asyncio.shield(self._outcome)
        if isinstance(outcome, GalleryError):
            raise outcome
        return outcome


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item stands: its template is known, or made for an earlier item, or else to be made."""

    gallery: Gallery
    basis: Basis
    info: TemplateInfo
    known: TemplateInfo | None
    earlier: _Making | None


@dataclass(slots=True)
class _Run:
    """One bulk enrolment under way. ``coming`` counts the items that may still have a template to write."""

    making: dict[UUID, _Making]
    lookups: Groups[BulkItem, _Place]
    writes: "Groups[tuple[_Place, Taken], Taken | EnrolmentConflict]"
    room: Room = field(default_factory=lambda: Room(_BYTES_IN_FLIGHT))

    coming: int = 0

    def begin(self) -> None:
        """Count an item that may have a template to write."""
        self.coming += 1

    def end(self) -> None:
        """Count it no more."""
        self.coming -= 1
        self.writes.look_again()

    async def fitting(self, items: BulkSource) -> AsyncGenerator[BulkItem | BulkResult, None]:
        """Give the items as there is room for their pictures."""
        async for item in items:
            if isinstance(item, BulkItem):
                await self.room.take(len(item.image.content))
            yield item


def _neighbour(info: TemplateInfo, distance: float) -> Neighbour:
    return Neighbour(info.template_id, info.identity_id, distance)
