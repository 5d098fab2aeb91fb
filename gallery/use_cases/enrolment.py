"""Enrolment: images of a person become templates, once each, all or none, and a gallery is kept clean."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from gallery import quality
from gallery.domain import (
    Basis,
    Conflict,
    Embedded,
    EncodedImage,
    EnrolledTemplate,
    Gallery,
    OnConflict,
    Template,
    TemplateInfo,
    checked_context,
    checked_identity_id,
    template_id_of,
)
from gallery.errors import EnrolmentConflict, InvalidParameter, InvalidRequest, PoorQuality
from gallery.use_cases.base import UseCases, check_one_person

MAX_IMAGES_PER_ENROLMENT = 64

_EMBEDDED_AT_ONCE = 4  # of one enrolment, so that it does not fill the queue alone
_NEIGHBOURS = 16  # templates looked at for somebody else's among them


class Enrolment(UseCases):
    """Who is put into a gallery."""

    async def enroll(
        self, gallery_id: str, identity_id: str, images: Sequence[EncodedImage]
    ) -> tuple[EnrolledTemplate, ...]:
        """Enrol images of one identity, all or none, and return when they are durable.

        Each image shows one person: the whole picture or one region. An image that was enrolled for this
        identity before is neither embedded nor stored again. By the gallery's policy a picture of poor quality is
        refused, and one that lies nearer to another identity is reported or refused.

        Raises InvalidImage, InvalidRegion, InvalidRequest, PoorQuality, EnrolmentConflict, GalleryNotFound,
        ModelMismatch.
        """
        checked_identity_id(identity_id)
        if not 0 < len(images) <= MAX_IMAGES_PER_ENROLMENT:
            raise InvalidRequest(
                f"an enrolment of {len(images)} images", expected=f"1 to {MAX_IMAGES_PER_ENROLMENT} at a time"
            )
        gallery = await self._open(gallery_id)
        wanted = [self._describe(gallery, identity_id, image) for image in images]
        found = await self._store.find(gallery_id, [info.template_id for info in wanted])
        answers = {info.template_id: EnrolledTemplate(info, created=False) for info in found}
        new = {
            info.template_id: (info, image)
            for info, image in zip(wanted, images, strict=True)
            if info.template_id not in answers
        }
        people = await self._embed_all([image for _, image in new.values()])
        basis = await self._basis(None, gallery)
        templates = []
        for (info, _), person in zip(new.values(), people, strict=True):
            judged = quality.judged(person.quality, gallery.policy.enrolment_quality)
            if judged.reasons:
                raise _poor(info, judged.reasons)
            conflicts = await self._conflicts(gallery, info, person, basis)
            templates.append(Template(info, person.embedding))
            answers[info.template_id] = EnrolledTemplate(info, True, judged, conflicts)
        if templates:
            await self._store.put(gallery.gallery_id, templates)
        return tuple(answers[info.template_id] for info in wanted)

    def _describe(self, gallery: Gallery, identity_id: str, image: EncodedImage) -> TemplateInfo:
        check_one_person(image)
        region = image.regions[0] if image.regions else None
        image_digest = hashlib.sha256(image.content).hexdigest()
        now, lifetime = self._clock(), gallery.policy.template_lifetime
        info = TemplateInfo(
            template_id_of(identity_id, image_digest, region),
            identity_id,
            gallery.model_digest,
            image_digest,
            now,
            region,
            checked_context(image.context),
        )
        if lifetime is None:
            return info
        expires_at = (image.context.captured_at or now) + lifetime
        if expires_at <= now:
            raise InvalidParameter(
                f"the template would have expired at {expires_at.isoformat()}",
                expected=f"a picture captured less than {lifetime} ago, the template lifetime of the gallery",
            )
        return replace(info, expires_at=expires_at)

    async def _conflicts(
        self, gallery: Gallery, info: TemplateInfo, person: Embedded, basis: Basis
    ) -> tuple[Conflict, ...]:
        """Name the identity a picture lies nearer to than to its own or, if it is the first, within the threshold."""
        policy = gallery.policy.on_conflict
        if policy is OnConflict.ACCEPT:
            return ()
        nearest = await self._store.nearest(
            gallery.gallery_id, person.embedding, limit=_NEIGHBOURS, where=self._alive()
        )
        other = next((near for near in nearest if near.identity_id != info.identity_id), None)
        if other is None:
            return ()
        where = replace(self._alive(), identity_id=info.identity_id)
        own = await self._store.nearest(gallery.gallery_id, person.embedding, limit=1, where=where)
        own_distance = own[0].distance if own else None
        if other.distance >= (basis.threshold if own_distance is None else own_distance):
            return ()
        if policy is OnConflict.REFUSE:
            raise EnrolmentConflict(
                f"the picture lies at {other.distance:.3f} from {other.identity_id!r}, nearer than to "
                f"{info.identity_id!r}" + ("" if own_distance is None else f" ({own_distance:.3f})"),
                expected="a picture nearer to its own identity, or of somebody who is not enrolled yet",
                remedy="check whose picture it is, or merge the two identities",
                conflicting_identity_id=other.identity_id,
            )
        return (Conflict(other.identity_id, other.distance, own_distance),)

    async def _embed_all(self, images: Sequence[EncodedImage]) -> list[Embedded]:
        """Embed images of one person each, a few at once; the first error cancels the rest and is raised."""
        at_once = asyncio.Semaphore(_EMBEDDED_AT_ONCE)

        async def embed_one(image: EncodedImage) -> Embedded:
            async with at_once:
                return (await self._embedder.embed(image))[0]

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(embed_one(image)) for image in images]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]


def _poor(info: TemplateInfo, reasons: Sequence[str]) -> PoorQuality:
    words = ", ".join(reason.replace("_", " ") for reason in reasons)
    return PoorQuality(
        f"a picture of {info.identity_id!r} cannot be enrolled: {words}",
        expected="what the gallery's policy asks of enrolled pictures",
        remedy="enrol a better picture, or change the policy",
        image_digest=info.image_digest,
    )
