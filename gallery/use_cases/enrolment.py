"""Enrolment: images of a person become templates, once each."""

import asyncio
import hashlib
from collections.abc import Sequence

from gallery.domain import (
    Embedding,
    EncodedImage,
    EnrolledTemplate,
    EnrolmentResult,
    RefusedImage,
    Template,
    TemplateInfo,
    checked_identity_id,
    template_id_of,
)
from gallery.errors import InvalidRequest
from gallery.use_cases.base import UseCases, check_one_person

MAX_IMAGES_PER_ENROLMENT = 64

_EMBEDDED_AT_ONCE = 4  # of one enrolment, so that it does not fill the queue alone


class Enrolment(UseCases):
    """Who is put into a gallery."""

    async def enroll(
        self, gallery_id: str, identity_id: str, images: Sequence[EncodedImage], *, all_or_nothing: bool = False
    ) -> EnrolmentResult:
        """Enrol images of one identity and return, when they are durable, what became of each, in order.

        Each image shows one person: the whole picture or one region. An image that was enrolled for this
        identity before is neither embedded nor stored again. An image that cannot be enrolled is refused alone;
        when none is left, or one is refused with ``all_or_nothing``, the first error is raised and nothing is kept.
        Raises InvalidRequest, InvalidIdentifier, GalleryNotFound, ModelMismatch too.
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
        embedded = dict(zip(new, await self._embed_all([image for _, image in new.values()]), strict=True))
        errors = {key: outcome for key, outcome in embedded.items() if isinstance(outcome, InvalidRequest)}
        templates = [
            Template(new[key][0], outcome)
            for key, outcome in embedded.items()
            if not isinstance(outcome, InvalidRequest)
        ]
        keys = [info.template_id for info in wanted]
        refused = tuple(RefusedImage(index, errors[key]) for index, key in enumerate(keys) if key in errors)
        if refused and (all_or_nothing or len(refused) == len(images)):
            raise refused[0].error
        if templates:
            await self._store.put(gallery.gallery_id, templates)
        return EnrolmentResult(
            tuple(
                EnrolledTemplate(index, known.get(key) or new[key][0], created=key in new)
                for index, key in enumerate(keys)
                if key not in errors
            ),
            refused,
        )

    def _describe(self, identity_id: str, image: EncodedImage) -> TemplateInfo:
        region = image.regions[0] if image.regions else None
        image_digest = hashlib.sha256(image.content).hexdigest()
        template_id = template_id_of(identity_id, image_digest, region)
        return TemplateInfo(template_id, identity_id, self._embedder.card.digest, image_digest, self._clock(), region)

    async def _embed_all(self, images: Sequence[EncodedImage]) -> list[Embedding | InvalidRequest]:
        """Embed images of one person each, a few at once; what is wrong with an image stands in its place."""
        at_once = asyncio.Semaphore(_EMBEDDED_AT_ONCE)

        async def embed_one(image: EncodedImage) -> Embedding | InvalidRequest:
            try:
                check_one_person(image)
                async with at_once:
                    embedding: Embedding = (await self._embedder.embed(image))[0]
                    return embedding
            except InvalidRequest as error:
                return error

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(embed_one(image)) for image in images]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]
