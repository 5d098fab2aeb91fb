"""Enrolment: images of a person become templates, once each, and a gallery is kept clean."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gallery import quality
from gallery.domain import (
    Basis,
    Conflict,
    Embedding,
    EncodedImage,
    EnrolledTemplate,
    EnrolmentResult,
    Gallery,
    OnConflict,
    Quality,
    RefusedImage,
    Template,
    TemplateInfo,
    checked_context,
    checked_identity_id,
    template_id_of,
)
from gallery.errors import EnrolmentConflict, GalleryError, InvalidParameter, InvalidRequest, PoorQuality
from gallery.use_cases.base import UseCases, check_one_person

MAX_IMAGES_PER_ENROLMENT = 64

_EMBEDDED_AT_ONCE = 4  # of one enrolment, so that it does not fill the queue alone
_NEIGHBOURS = 16  # templates looked at for somebody else's among them


class Enrolment(UseCases):
    """Who is put into a gallery."""

    async def enroll(
        self, gallery_id: str, identity_id: str, images: Sequence[EncodedImage], *, all_or_nothing: bool = False
    ) -> EnrolmentResult:
        """Enrol images of one identity and return, when they are durable, what became of each, in order.

        Each image shows one person: the whole picture or one region. An image that was enrolled for this identity
        before is neither embedded nor stored again. An image that cannot be enrolled is refused alone: a damaged one,
        by the gallery's policy one of poor quality, or one that lies nearer to another identity. When none is left, or
        one is refused with ``all_or_nothing``, the first error is raised and nothing is kept.

        Raises InvalidRequest, InvalidIdentifier, GalleryNotFound, ModelMismatch too.
        """
        checked_identity_id(identity_id)
        if not 0 < len(images) <= MAX_IMAGES_PER_ENROLMENT:
            raise InvalidRequest(
                f"an enrolment of {len(images)} images", expected=f"1 to {MAX_IMAGES_PER_ENROLMENT} at a time"
            )
        gallery = await self._open(gallery_id)
        wanted = await asyncio.to_thread(lambda: [self._describe(gallery, identity_id, image) for image in images])
        found = await self._store.find(gallery_id, [info.template_id for info in wanted])
        # One that has expired is about to be erased, so to call it enrolled would be to lose it.
        known = {info.template_id: info for info in found if not _has_expired(info, self._clock())}
        new = {
            info.template_id: (info, image)
            for info, image in zip(wanted, images, strict=True)
            if info.template_id not in known
        }
        outcomes = dict(zip(new, await self._take_all(gallery, list(new.values())), strict=True))
        kept = [outcome for outcome in outcomes.values() if isinstance(outcome, _Taken)]
        refused = tuple(
            RefusedImage(index, outcome)
            for index, info in enumerate(wanted)
            if isinstance(outcome := outcomes.get(info.template_id), GalleryError)
        )
        if refused and (all_or_nothing or len(refused) == len(images)):
            raise refused[0].error
        if kept:
            await self._store.put(gallery.gallery_id, [taken.template for taken in kept])
        enrolled = []
        for index, info in enumerate(wanted):
            outcome = outcomes.get(info.template_id)
            if outcome is None:
                enrolled.append(EnrolledTemplate(index, known[info.template_id], created=False))
            elif isinstance(outcome, _Taken):
                enrolled.append(
                    EnrolledTemplate(index, outcome.template.info, True, outcome.quality, outcome.conflicts)
                )
        return EnrolmentResult(tuple(enrolled), refused)

    def _describe(self, gallery: Gallery, identity_id: str, image: EncodedImage) -> TemplateInfo:
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
        return info if lifetime is None else replace(info, expires_at=(image.context.captured_at or now) + lifetime)

    async def _take_all(
        self, gallery: Gallery, new: Sequence[tuple[TemplateInfo, EncodedImage]]
    ) -> list["_Taken | GalleryError"]:
        """Take images of one person each, a few at once; what is wrong with an image stands in its place."""
        if not new:
            return []
        basis = await self._basis(None, gallery)
        at_once = asyncio.Semaphore(_EMBEDDED_AT_ONCE)

        async def take_one(info: TemplateInfo, image: EncodedImage) -> _Taken | GalleryError:
            try:
                async with at_once:
                    return await self._take(gallery, basis, info, image)
            except (InvalidRequest, EnrolmentConflict) as error:
                return error

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(take_one(info, image)) for info, image in new]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _take(self, gallery: Gallery, basis: Basis, info: TemplateInfo, image: EncodedImage) -> "_Taken":
        """Embed one image and judge it by the gallery's policy; nothing is stored yet."""
        check_one_person(image)
        if info.expires_at is not None and _has_expired(info, info.enrolled_at):
            raise InvalidParameter(
                f"the template would have expired at {info.expires_at.isoformat()}",
                expected=f"a picture captured less than {gallery.policy.template_lifetime} ago, the gallery's lifetime",
            )
        (person,) = await self._embedder.embed(image)
        judged = quality.judged(person.quality, gallery.policy.enrolment_quality)
        if judged.reasons:
            raise PoorQuality(
                f"a picture of {info.identity_id!r} is {', '.join(judged.reasons).replace('_', ' ')}",
                expected="what the gallery's policy asks of enrolled pictures",
                remedy="enrol a better picture, or change the policy",
            )
        conflicts = await self._conflicts(gallery, info, person.embedding, basis)
        return _Taken(Template(info, person.embedding), judged, conflicts)

    async def _conflicts(
        self, gallery: Gallery, info: TemplateInfo, embedding: Embedding, basis: Basis
    ) -> tuple[Conflict, ...]:
        """Name the identity a picture lies nearer to than to its own or, if it is the first, within the threshold."""
        policy = gallery.policy.on_conflict
        if policy is OnConflict.ACCEPT:
            return ()
        alive = self._alive()
        nearest = await self._store.nearest(gallery.gallery_id, embedding, limit=_NEIGHBOURS, where=alive)
        other = next((near for near in nearest if near.identity_id != info.identity_id), None)
        if other is None:
            return ()
        where = replace(alive, identity_ids=(info.identity_id,))
        own = await self._store.nearest(gallery.gallery_id, embedding, limit=1, where=where)
        own_distance = own[0].distance if own else None
        if other.distance > (basis.threshold if own_distance is None else own_distance):
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


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    """An image that may be enrolled: its template, its quality and whom it conflicts with."""

    template: Template
    quality: Quality
    conflicts: tuple[Conflict, ...]


def _has_expired(info: TemplateInfo, now: datetime) -> bool:
    return info.expires_at is not None and info.expires_at <= now
