"""What every use case stands on: the embedder, the store, the clock, and a gallery that fits the model."""

from collections.abc import Callable
from datetime import UTC, datetime

from gallery.domain import Basis, EncodedImage, Gallery, ThresholdSource, checked_gallery_id, checked_threshold
from gallery.errors import IdentityNotFound, InvalidRegion, ModelMismatch
from gallery.ports import Embedder, TemplateStore


def utc_now() -> datetime:
    """Tell the time, aware."""
    return datetime.now(UTC)


class UseCases:
    """Operations over one embedder and one store; ``clock`` gives aware UTC times."""

    def __init__(self, embedder: Embedder, store: TemplateStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._embedder = embedder
        self._store = store
        self._clock = clock

    async def _open(self, gallery_id: str) -> Gallery:
        """Get a gallery for comparing: its templates and the loaded model must be of one make."""
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

    def _basis(self, requested: float | None, gallery: Gallery | None) -> Basis:
        digest = self._embedder.card.digest
        if requested is not None:
            return Basis(checked_threshold(requested), ThresholdSource.REQUEST, digest)
        if gallery is not None and gallery.threshold is not None:
            return Basis(gallery.threshold, ThresholdSource.GALLERY, digest)
        return Basis(self._embedder.card.threshold, ThresholdSource.MODEL, digest)


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
