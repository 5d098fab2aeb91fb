"""A source copied into a draft of a store, compared with it, and put in its gallery's place.

Templates are named by their content, so a copy that was cut short can be continued: what is there and equal stays, what
is missing is written, and what the source no longer has is removed.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from gallery.domain import Gallery, Template, draft_of
from gallery.errors import GalleryAlreadyExists, GalleryChanged, GalleryNotFound, StoreCorrupt
from gallery.ports import TemplateStore
from gallery.transfer.sources import PAGE, Digest, Source, StoreSource

Progress = Callable[[int], None]
"""Told how many templates have been dealt with."""

_PASSES = 3
_SPOTS = 16
_NEAR = 10
_ALIKE = 1e-6  # of an embedding's numbers, and of distances ten times as much


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What was copied: how many templates, how many of them were written by this run, their digest.

    ``spot_searches`` and ``equal_searches``: how many searches were made in both, and gave the same distances.
    ``left_out``: how many templates of a backup were erased since and stay so. ``already_there``: nothing was to do.
    """

    gallery: Gallery
    template_count: int
    written: int
    digest: str
    spot_searches: int = 0
    equal_searches: int = 0
    left_out: int = 0
    already_there: bool = False


@dataclass(slots=True)
class Difference:
    """How a page of the source differs from the store: what to put there, what to remove."""

    page: list[Template]
    missing: list[Template] = field(default_factory=list)
    surplus: list[UUID] = field(default_factory=list)

    @property
    def none(self) -> bool:
        """Whether they are the same."""
        return not self.missing and not self.surplus


async def migrate(
    source: TemplateStore, target: TemplateStore, gallery_id: str, *, replace: bool, progress: Progress
) -> CopyReport:
    """Copy a gallery from store to store with all that belongs to it, and its part of the ledger.

    Raises GalleryNotFound; GalleryAlreadyExists when the target has the gallery with other content or of another
    model, unless it is to ``replace`` it; GalleryChanged when the source goes on changing.
    """
    origin = StoreSource(source, gallery_id)
    gallery = await origin.gallery()
    if not replace and (there := await existing(target, gallery_id)) is not None:
        found = await _compared(origin, target, gallery_id, progress) if there == gallery else None
        if found is None:
            raise GalleryAlreadyExists(
                f"the target has a gallery {gallery_id!r} already, with other content",
                expected=f"none, or the same as the source's, of the model {gallery.model_name} "
                f"({gallery.model_digest[:12]}…; the target's is of {there.model_digest[:12]}…)",
                remedy="compare them, then say --replace to have the source's take its place",
                gallery_id=gallery_id,
            )
        return CopyReport(gallery, found.count, 0, found.hex(), already_there=True)
    await target.record_erasures(await origin.erasures())
    written, digest = await drafted(origin, target, progress)
    spots, equal = await _searched(source, target, gallery_id)
    await publish(target, gallery_id)
    return CopyReport(gallery, digest.count, written, digest.hex(), spots, equal)


async def existing(store: TemplateStore, gallery_id: str) -> Gallery | None:
    """Get a gallery's or draft's record, None where there is none."""
    try:
        return await store.get_gallery(gallery_id)
    except GalleryNotFound:
        return None


async def drafted(source: Source, store: TemplateStore, progress: Progress) -> tuple[int, Digest]:
    """Make the draft of the source's gallery the same as the source; returns how many were written, and the digest.

    What changes in the source meanwhile is copied too; raises GalleryChanged where the changes do not end.
    """
    gallery, written = await source.gallery(), 0
    draft = draft_of(gallery.gallery_id)
    if await existing(store, draft) != gallery:
        await store.create_draft(gallery)
    with _still_there(gallery.gallery_id):
        for _ in range(_PASSES):
            done = 0
            async for difference in differences(source, store, draft):
                if difference.missing:
                    await store.put(draft, difference.missing)
                if difference.surplus:
                    await store.move(draft, [], difference.surplus)
                written += len(difference.missing)
                done += len(difference.page)
                progress(done)
            digest = await _compared(source, store, draft, lambda _: None)
            if digest is not None and await source.gallery() == gallery:
                return written, digest
    raise GalleryChanged(
        f"the gallery {gallery.gallery_id!r} changes faster than it can be copied",
        remedy="stop what writes into it, then do this again: what was copied stays copied",
        gallery_id=gallery.gallery_id,
    )


async def publish(store: TemplateStore, gallery_id: str) -> None:
    """Put the draft in its gallery's place; raises GalleryChanged when it is not there any more."""
    with _still_there(gallery_id):
        await store.publish_draft(gallery_id)


@contextmanager
def _still_there(gallery_id: str) -> Iterator[None]:
    """Say why a draft is gone: an erasure deletes it, since it may hold the erased."""
    try:
        yield
    except GalleryNotFound as error:
        if error.metadata.get("gallery_id") != draft_of(gallery_id):
            raise
        raise GalleryChanged(
            f"somebody was erased from the gallery {gallery_id!r} while it was to be replaced",
            remedy="do this again",
            gallery_id=gallery_id,
        ) from error


async def differences(source: Source, store: TemplateStore, gallery_id: str) -> AsyncIterator[Difference]:
    """Walk the source and a gallery or draft of a store side by side, by template id."""
    last: UUID | None = None
    async for page in source.pages():
        if not page:
            continue
        difference = Difference(list(page))
        here = {template.info.template_id: template for template in page}
        there = await _between(store, gallery_id, last, page[-1].info.template_id)
        difference.missing = [each for key, each in here.items() if key not in there or not _same(each, there[key])]
        difference.surplus = [key for key in there if key not in here]
        last = page[-1].info.template_id
        yield difference
    while beyond := await store.scan(gallery_id, after=last, limit=PAGE):
        last = beyond[-1].info.template_id
        yield Difference([], surplus=[each.info.template_id for each in beyond])


async def _compared(source: Source, store: TemplateStore, gallery_id: str, progress: Progress) -> Digest | None:
    """Compare template by template; returns the digest, or None where something differs."""
    digest = Digest()
    async for difference in differences(source, store, gallery_id):
        if not difference.none:
            return None
        digest.add(difference.page)
        progress(digest.count)
    return digest


async def _between(store: TemplateStore, gallery_id: str, after: UUID | None, last: UUID) -> dict[UUID, Template]:
    found: dict[UUID, Template] = {}
    while page := await store.scan(gallery_id, after=after, limit=PAGE):
        found |= {each.info.template_id: each for each in page if each.info.template_id <= last}
        after = page[-1].info.template_id
        if after >= last or len(page) < PAGE:
            break
    return found


def _same(one: Template, other: Template) -> bool:
    return one.info == other.info and bool(np.allclose(one.embedding, other.embedding, rtol=0.0, atol=_ALIKE))


async def _searched(source: TemplateStore, target: TemplateStore, gallery_id: str) -> tuple[int, int]:
    """Search both for a few of the templates; raises StoreCorrupt if the target does not find what it was asked by."""
    equal = 0
    spots = await source.scan(gallery_id, after=None, limit=_SPOTS)
    for spot in spots:
        here, there = [
            [near.distance for near in await store.nearest(name, spot.embedding, limit=_NEAR)]
            for store, name in ((source, gallery_id), (target, draft_of(gallery_id)))
        ]
        if not there or there[0] > 10 * _ALIKE:
            raise StoreCorrupt(
                f"the copy of {gallery_id!r} does not find its own template {spot.info.template_id}",
                remedy="look into the target store; the copy was not put in place",
            )
        equal += len(here) == len(there) and bool(np.allclose(here, there, rtol=0.0, atol=10 * _ALIKE))
    return len(spots), equal
