"""What the gallery does: enrol, identify, verify, embed, and get, list and erase.

The command line calls these methods directly on a store folder, the RPCs call them for the network, and the
client has the same methods; all of them speak in the values of `gallery.domain`.
"""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from gallery import matching
from gallery.domain import (
    Basis,
    Candidate,
    Embedded,
    Embedding,
    EncodedImage,
    EnrolledTemplate,
    Gallery,
    Identification,
    Identity,
    IdentitySummary,
    Page,
    Region,
    Template,
    TemplateInfo,
    ThresholdSource,
    Verification,
    checked_gallery_id,
    checked_identity_id,
    checked_threshold,
    template_id_of,
)
from gallery.errors import (
    IdentityNotFound,
    InvalidParameter,
    InvalidRegion,
    InvalidRequest,
    ModelMismatch,
    TemplateNotFound,
)
from gallery.ports import Embedder, TemplateStore

MAX_IMAGES_PER_ENROLMENT = 64
MAX_CANDIDATES = 100
MAX_PAGE_SIZE = 1000

_EMBEDDED_AT_ONCE = 4  # of one enrolment, so that it does not fill the queue alone


def _now() -> datetime:
    return datetime.now(UTC)


class GalleryUseCases:
    """The operations of the gallery over one embedder and one store; ``clock`` gives aware UTC times."""

    def __init__(self, embedder: Embedder, store: TemplateStore, clock: Callable[[], datetime] = _now) -> None:
        self._embedder = embedder
        self._store = store
        self._clock = clock

    async def create_gallery(self, gallery_id: str, *, threshold: float | None = None) -> Gallery:
        """Create an empty gallery for the loaded model; raises InvalidIdentifier, GalleryAlreadyExists."""
        if threshold is not None:
            checked_threshold(threshold)
        card = self._embedder.card
        gallery = Gallery(
            checked_gallery_id(gallery_id), card.digest, card.name, card.dimension, self._clock(), threshold
        )
        await self._store.create_gallery(gallery)
        return gallery

    async def get_gallery(self, gallery_id: str) -> Gallery:
        """Describe a gallery; raises GalleryNotFound."""
        return await self._store.get_gallery(checked_gallery_id(gallery_id))

    async def list_galleries(self, *, page_size: int = 100, page_token: str = "") -> Page[Gallery]:
        """List galleries by id."""
        limit, after = _page_size(page_size), _after(page_token)
        galleries = await self._store.list_galleries(after=after, limit=limit)
        return Page(tuple(galleries), _token(galleries[-1].gallery_id) if len(galleries) == limit else "")

    async def delete_gallery(self, gallery_id: str) -> int:
        """Erase a gallery and all in it; returns how many templates went with it."""
        return await self._store.delete_gallery(checked_gallery_id(gallery_id))

    async def enroll(
        self, gallery_id: str, identity_id: str, images: Sequence[EncodedImage]
    ) -> tuple[EnrolledTemplate, ...]:
        """Enrol images of one identity, all or none, and return when they are durable.

        Each image shows one person: the whole picture or one region. An image that was enrolled for this
        identity before is neither embedded nor stored again. Raises InvalidImage, InvalidRegion, InvalidRequest,
        GalleryNotFound, ModelMismatch.
        """
        checked_identity_id(identity_id)
        if not 0 < len(images) <= MAX_IMAGES_PER_ENROLMENT:
            raise InvalidRequest(
                f"an enrolment of {len(images)} images", expected=f"1 to {MAX_IMAGES_PER_ENROLMENT} at a time"
            )
        gallery = await self._open(gallery_id)
        wanted = [self._describe(identity_id, image) for image in images]
        found = await self._store.find(gallery_id, [info.template_id for info in wanted])
        known = {info.template_id: info for info in found}
        new = {
            info.template_id: (info, image)
            for info, image in zip(wanted, images, strict=True)
            if info.template_id not in known
        }
        embeddings = await self._embed_all([image for _, image in new.values()])
        templates = [Template(info, embedding) for (info, _), embedding in zip(new.values(), embeddings, strict=True)]
        if templates:
            await self._store.put(gallery.gallery_id, templates)
        created = {template.info.template_id: template.info for template in templates}
        return tuple(
            EnrolledTemplate(created.get(info.template_id) or known[info.template_id], info.template_id in created)
            for info in wanted
        )

    async def identify(
        self, gallery_id: str, image: EncodedImage, *, max_candidates: int = 5, threshold: float | None = None
    ) -> tuple[Identification, ...]:
        """Say of each region (or the whole picture) who the nearest identities are, and whether it is a match."""
        if not 0 < max_candidates <= MAX_CANDIDATES:
            raise InvalidParameter(f"max_candidates is {max_candidates}", expected=f"1 to {MAX_CANDIDATES}")
        gallery = await self._open(gallery_id)
        basis = self._basis(threshold, gallery)
        embeddings = await self._embedder.embed(image)
        return tuple(
            [
                matching.decide(region, await self._nearest(gallery_id, embedding, max_candidates), basis)
                for region, embedding in zip(_regions(image), embeddings, strict=True)
            ]
        )

    async def verify_identity(
        self, gallery_id: str, image: EncodedImage, identity_id: str, *, threshold: float | None = None
    ) -> Verification:
        """Say whether the probe is this identity: its nearest template decides; raises IdentityNotFound."""
        checked_identity_id(identity_id)
        _check_one_person(image)
        gallery = await self._open(gallery_id)
        basis = self._basis(threshold, gallery)
        embedding = (await self._embedder.embed(image))[0]
        nearest = await self._store.nearest(gallery_id, embedding, limit=1, identity_id=identity_id)
        if not nearest:
            raise _no_identity(gallery_id, identity_id)
        return Verification(nearest[0].distance <= basis.threshold, nearest[0].distance, basis)

    async def verify_images(
        self,
        image: EncodedImage,
        reference: EncodedImage,
        *,
        gallery_id: str | None = None,
        threshold: float | None = None,
    ) -> Verification:
        """Say whether two images show the same person; a gallery, when named, lends its threshold."""
        _check_one_person(image)
        _check_one_person(reference)
        basis = self._basis(threshold, None if gallery_id is None else await self._open(gallery_id))
        probe, other = await self._embed_all([image, reference])
        distance = matching.cosine_distance(probe, other)
        return Verification(distance <= basis.threshold, distance, basis)

    async def embed(self, image: EncodedImage) -> tuple[Embedded, ...]:
        """Embed each region (or the whole picture); nothing is stored."""
        embeddings = await self._embedder.embed(image)
        digest = self._embedder.card.digest
        return tuple(
            Embedded(region, embedding, digest) for region, embedding in zip(_regions(image), embeddings, strict=True)
        )

    async def get_identity(self, gallery_id: str, identity_id: str) -> Identity:
        """Describe an identity and its templates, oldest first; raises IdentityNotFound."""
        checked_identity_id(identity_id)
        templates = await self._store.list_templates(checked_gallery_id(gallery_id), identity_id)
        if not templates:
            raise _no_identity(gallery_id, identity_id)
        return Identity(identity_id, tuple(templates))

    async def list_identities(
        self, gallery_id: str, *, page_size: int = 100, page_token: str = ""
    ) -> Page[IdentitySummary]:
        """List the identities of a gallery by id."""
        limit, after = _page_size(page_size), _after(page_token)
        found = await self._store.list_identities(checked_gallery_id(gallery_id), after=after, limit=limit)
        return Page(tuple(found), _token(found[-1].identity_id) if len(found) == limit else "")

    async def delete_identity(self, gallery_id: str, identity_id: str) -> int:
        """Erase an identity, durably; returns how many templates went; raises IdentityNotFound."""
        checked_identity_id(identity_id)
        deleted = await self._store.delete_identity(checked_gallery_id(gallery_id), identity_id)
        if deleted == 0:
            raise _no_identity(gallery_id, identity_id)
        return deleted

    async def delete_template(self, gallery_id: str, template_id: UUID) -> None:
        """Erase one template, durably; raises TemplateNotFound."""
        if not await self._store.delete_template(checked_gallery_id(gallery_id), template_id):
            raise TemplateNotFound(
                f"gallery {gallery_id!r} has no template {template_id}",
                remedy="GetIdentity lists an identity's templates",
                gallery_id=gallery_id,
                template_id=str(template_id),
            )

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

    def _describe(self, identity_id: str, image: EncodedImage) -> TemplateInfo:
        _check_one_person(image)
        region = image.regions[0] if image.regions else None
        image_digest = hashlib.sha256(image.content).hexdigest()
        template_id = template_id_of(identity_id, image_digest, region)
        return TemplateInfo(template_id, identity_id, self._embedder.card.digest, image_digest, self._clock(), region)

    async def _embed_all(self, images: Sequence[EncodedImage]) -> list[Embedding]:
        """Embed images of one person each, a few at once; the first error cancels the rest and is raised."""
        at_once = asyncio.Semaphore(_EMBEDDED_AT_ONCE)

        async def embed_one(image: EncodedImage) -> Embedding:
            async with at_once:
                embedding: Embedding = (await self._embedder.embed(image))[0]
                return embedding

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(embed_one(image)) for image in images]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _nearest(self, gallery_id: str, embedding: Embedding, max_candidates: int) -> tuple[Candidate, ...]:
        """Find the nearest identities exactly: fetch more templates until enough identities are among them."""
        limit = 4 * max_candidates
        while True:
            neighbours = await self._store.nearest(gallery_id, embedding, limit=limit)
            candidates = matching.rank(neighbours, max_candidates)
            if len(candidates) == max_candidates or len(neighbours) < limit:
                return candidates
            limit *= 4


def _regions(image: EncodedImage) -> Sequence[Region | None]:
    return image.regions or (None,)


def _check_one_person(image: EncodedImage) -> None:
    if len(image.regions) > 1:
        raise InvalidRegion(
            f"the image has {len(image.regions)} regions, but shows one person here",
            expected="one region, or none for the whole picture",
        )


def _no_identity(gallery_id: str, identity_id: str) -> IdentityNotFound:
    return IdentityNotFound(
        f"gallery {gallery_id!r} has no identity {identity_id!r}",
        remedy="ListIdentities shows those it has",
        gallery_id=gallery_id,
        identity_id=identity_id,
    )


def _page_size(page_size: int) -> int:
    if not 0 < page_size <= MAX_PAGE_SIZE:
        raise InvalidParameter(f"the page size is {page_size}", expected=f"1 to {MAX_PAGE_SIZE}")
    return page_size


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _after(page_token: str) -> str:
    try:
        return base64.b64decode(page_token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidParameter(
            "the page token was not made by this service", expected="the next_page_token of the page before"
        ) from error
