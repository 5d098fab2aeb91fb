"""What every use case stands on: the embedder, the store, the clock, and a gallery that fits the model."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

from gallery import calibration
from gallery.domain import (
    EVERYTHING,
    Basis,
    Cohort,
    EncodedImage,
    EnrolledTemplate,
    Gallery,
    Identification,
    Template,
    TemplateFilter,
    ThresholdOrigin,
    ThresholdSource,
    Verification,
    checked_gallery_id,
    checked_threshold,
)
from gallery.errors import GalleryError, IdentityNotFound, InvalidRegion, ModelMismatch
from gallery.ports import Embedder, Observer, TemplateStore

_SCANNED_AT_ONCE = 1000


def utc_now() -> datetime:
    """Tell the time, aware."""
    return datetime.now(UTC)


class _Nobody(Observer):
    """Observes nothing."""

    def decided(self, gallery: Gallery, answer: Identification, where: TemplateFilter) -> None:
        """Ignore it."""

    def verified(self, gallery: Gallery | None, answer: Verification) -> None:
        """Ignore it."""

    def enrolled(self, template: EnrolledTemplate) -> None:
        """Ignore it."""

    def refused(self, error: GalleryError) -> None:
        """Ignore it."""


def everything(_: str) -> bool:
    """See every gallery."""
    return True


class UseCases:
    """Operations over one embedder and one store.

    ``cohort`` is the strangers that are bundled with the model, if any; ``clock`` gives aware UTC times; ``observer``
    is told what becomes of people and images; ``sees`` says whether whoever asks now may know of a gallery.
    """

    def __init__(
        self,
        embedder: Embedder,
        store: TemplateStore,
        cohort: Cohort | None = None,
        clock: Callable[[], datetime] = utc_now,
        observer: Observer | None = None,
        sees: Callable[[str], bool] = everything,
    ) -> None:
        self._embedder = embedder
        self._store = store
        self._cohort = cohort
        self._clock = clock
        self._observer = _Nobody() if observer is None else observer
        self._sees = sees
        self._ledger_keys: dict[str, str] = {}

    async def _open(self, gallery_id: str) -> Gallery:
        """Get a gallery to compare with; raises GalleryNotFound, ModelMismatch when another model made it."""
        gallery = await self._store.get_gallery(checked_gallery_id(gallery_id))
        card = self._embedder.card
        if gallery.model_digest != card.digest:
            raise ModelMismatch(
                f"gallery {gallery_id!r} holds templates of model {gallery.model_name} "
                f"({gallery.model_digest[:12]}…), the server runs {card.name} ({card.digest[:12]}…)",
                expected="one model for gallery and server, since embeddings of two models are not comparable",
                remedy="serve the gallery with its own model, or enrol its people again into a new gallery",
                gallery_id=gallery_id,
                gallery_model_digest=gallery.model_digest,
                server_model_digest=card.digest,
            )
        return gallery

    async def _basis(self, requested: float | None, gallery: Gallery | None) -> Basis:
        """Choose the threshold: the call's, else the gallery's corrected for its size, else the model's."""
        digest = self._embedder.card.digest
        threshold = None if gallery is None else gallery.threshold
        margin = 0.0 if threshold is None else threshold.margin
        if requested is not None:
            return Basis(checked_threshold(requested), ThresholdSource.REQUEST, digest, margin)
        if gallery is None or threshold is None or threshold.origin is ThresholdOrigin.MODEL:
            return Basis(self._embedder.card.threshold, ThresholdSource.MODEL, digest, margin)
        value = threshold.value
        if threshold.tail is not None:
            value = calibration.corrected(threshold, await self._store.count_identities(gallery.gallery_id))
        return Basis(value, ThresholdSource.GALLERY, digest, margin, threshold.version, threshold.target_fpir)

    def _alive(self, where: TemplateFilter = EVERYTHING) -> TemplateFilter:
        now = self._clock()
        return TemplateFilter(alive_at=now) if where is EVERYTHING else replace(where, alive_at=now)

    async def _scan(self, gallery_id: str, where: TemplateFilter) -> AsyncIterator[Template]:
        after = None
        while True:
            templates = await self._store.scan(gallery_id, after=after, limit=_SCANNED_AT_ONCE, where=where)
            for template in templates:
                yield template
            if len(templates) < _SCANNED_AT_ONCE:
                return
            after = templates[-1].info.template_id
            await asyncio.sleep(0)


def check_one_person(image: EncodedImage) -> None:
    """Refuse, with InvalidRegion, an image of several people where one is meant."""
    if len(image.regions) > 1:
        raise InvalidRegion(
            f"the image has {len(image.regions)} regions, but shows one person here",
            expected="one region, or none for the whole picture",
        )


def no_identity(gallery_id: str, identity_id: str) -> IdentityNotFound:
    """Say that the gallery has no such identity."""
    return IdentityNotFound(
        f"gallery {gallery_id!r} has no identity {identity_id!r}",
        remedy="ListIdentities shows those it has",
        gallery_id=gallery_id,
        identity_id=identity_id,
    )
