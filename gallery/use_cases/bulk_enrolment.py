"""Bulk enrolment: any number of images as fast as they can be embedded, in memory that does not grow with them.

    items ─ read ─> arrived ─ begin ─> being embedded and compared ─> taken ─ write ─> answers
                    (look up a group         (each for itself)      (a group a flush)
                     in the store at once)

Nothing is read while `Room` has no place for it, and a place is free again only when its answer has been taken: a
caller that does not take answers is not read from.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing, suppress
from typing import TypeAlias

from gallery.domain import Basis, BulkItem, BulkResult, EnrolledTemplate, Gallery, Lane, TemplateInfo
from gallery.errors import (
    GalleryError,
    InvalidIdentifier,
    InvalidRequest,
    ModelMismatch,
    NotFound,
    StoreCorrupt,
    StoreUnavailable,
)
from gallery.use_cases.base import check_one_person
from gallery.use_cases.bulk_run import BulkRun, Making
from gallery.use_cases.enrolling import Enrolling

BulkSource: TypeAlias = AsyncIterable[BulkItem | BulkResult]

_MAX_ITEM_ID_LENGTH = 256
_ENDS_ALL = (NotFound, ModelMismatch, StoreCorrupt)


class BulkEnrolment(Enrolling):
    """Who is put into a gallery, many at a time."""

    async def bulk_enroll(self, gallery_id: str, items: BulkSource) -> AsyncGenerator[BulkResult, None]:
        """Enrol each item as `enroll` would, and answer it when its template is durable; answers may overtake others.

        What is wrong with an item is its own answer, and so is a store that does not answer (StoreUnavailable) or a
        full queue (Overloaded): such an item is simply given again. A BulkResult among the items is passed on: it
        stands for an item that was refused before it came here. Item ids need not differ: each item is answered.

        Raises InvalidIdentifier, GalleryNotFound, ModelMismatch, StoreCorrupt and whatever ``items`` raises; what was
        answered before is durable all the same.
        """
        await self._open(gallery_id)
        run = BulkRun(gallery_id)
        work = asyncio.create_task(self._carry_out(run, items))
        try:
            async with aclosing(run.answers()) as answers:
                async for answer in answers:
                    yield answer
            await work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError, Exception):  # told above, or to nobody: the caller has left
                await work

    async def _carry_out(self, run: BulkRun, items: BulkSource) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(run.read(items))
                tasks.create_task(self._begin_all(run, tasks))
                tasks.create_task(self._write_all(run))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            run.end_answers()

    async def _begin_all(self, run: BulkRun, tasks: asyncio.TaskGroup) -> None:
        while batch := await run.next_batch():
            try:
                gallery = await self._open(run.gallery_id)
                basis = await self._basis(None, gallery)
            except StoreUnavailable as error:
                run.refuse(batch, error)
                continue
            makings = await self._joined(run, gallery, batch)
            try:
                known = await self._known(gallery, [making.info.template_id for making in makings])
            except StoreUnavailable as error:
                for making in makings:
                    run.finish(making, error)
                continue
            for making in makings:
                if info := known.get(making.info.template_id):
                    run.finish(making, EnrolledTemplate(0, info, created=False))
                else:
                    tasks.create_task(self._make(run, gallery, basis, making))

    async def _joined(self, run: BulkRun, gallery: Gallery, batch: Sequence[BulkItem]) -> list[Making]:
        """Refuse the items that say nothing to be enrolled, and note the templates of the others."""
        described = await asyncio.to_thread(lambda: [self._checked(gallery, item) for item in batch])
        makings = []
        for item, info in zip(batch, described, strict=True):
            if isinstance(info, GalleryError):
                run.refuse([item], info)
            elif making := run.join(item, info):
                makings.append(making)
        return makings

    def _checked(self, gallery: Gallery, item: BulkItem) -> TemplateInfo | GalleryError:
        try:
            if len(item.item_id) > _MAX_ITEM_ID_LENGTH:
                raise InvalidIdentifier(
                    f"the item id {item.item_id[:40]!r}… has {len(item.item_id)} characters",
                    expected=f"at most {_MAX_ITEM_ID_LENGTH}",
                )
            check_one_person(item.image)
            return self._described(gallery, item.identity_id, item.image)
        except InvalidRequest as error:
            return error

    async def _make(self, run: BulkRun, gallery: Gallery, basis: Basis, making: Making) -> None:
        """Embed and judge; what was embedded before in this run and is not stored yet is compared with, too."""
        try:
            taken = await self._embedded(gallery, making.info, making.items[0].image, Lane.BULK)
            template = taken.template
            unstored = run.unstored.near(template.info.identity_id, template.embedding)
            run.unstored.add(template)
            taken = await self._compared(gallery, basis, taken, unstored)
        except _ENDS_ALL:
            raise
        except GalleryError as error:
            run.finish(making, error)
        else:
            run.take(making, taken)

    async def _write_all(self, run: BulkRun) -> None:
        while group := await run.next_group():
            try:
                await self._store.put(run.gallery_id, [taken.template for _, taken in group])
            except StoreUnavailable as error:
                for making, _ in group:
                    run.finish(making, error)
            else:
                for making, taken in group:
                    run.finish(making, taken.enrolled(0))
