"""Enrolment: images of a person become templates, once each, and a gallery is kept clean."""

import asyncio
from collections.abc import Sequence

from gallery.domain import (
    EncodedImage,
    EnrolledTemplate,
    EnrolmentResult,
    Gallery,
    Lane,
    OnConflict,
    RefusedImage,
    TemplateInfo,
    checked_identity_id,
)
from gallery.errors import EnrolmentConflict, GalleryError, InvalidRequest
from gallery.use_cases.enrolling import Enrolling, Taken, compared

MAX_IMAGES_PER_ENROLMENT = 64

_EMBEDDED_AT_ONCE = 4  # of one enrolment, so that it does not fill the queue alone


class Enrolment(Enrolling):
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
        wanted = await asyncio.to_thread(lambda: [self._described(gallery, identity_id, image) for image in images])
        known = await self._known(gallery, [info.template_id for info in wanted])
        new = {
            info.template_id: (info, image)
            for info, image in zip(wanted, images, strict=True)
            if info.template_id not in known
        }
        outcomes = dict(zip(new, await self._take_all(gallery, list(new.values())), strict=True))
        kept = [outcome for outcome in outcomes.values() if isinstance(outcome, Taken)]
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
            elif isinstance(outcome, Taken):
                enrolled.append(outcome.enrolled(index))
        for template in enrolled:
            self._observer.enrolled(template)
        for one in refused:
            self._observer.refused(one.error)
        return EnrolmentResult(tuple(enrolled), refused)

    async def _take_all(
        self, gallery: Gallery, new: Sequence[tuple[TemplateInfo, EncodedImage]]
    ) -> list[Taken | GalleryError]:
        """Take images of one person each, a few at once; what is wrong with an image stands in its place."""
        if not new:
            return []
        basis = await self._basis(None, gallery)
        at_once = asyncio.Semaphore(_EMBEDDED_AT_ONCE)

        async def take_one(info: TemplateInfo, image: EncodedImage) -> Taken | GalleryError:
            try:
                async with at_once:
                    taken = await self._embedded(gallery, info, image, Lane.UNARY)
                    if (policy := gallery.policy.on_conflict) is OnConflict.ACCEPT:
                        return taken
                    (near,) = await self._near(gallery.gallery_id, [taken.template])
                    return compared(policy, basis, taken, near)
            except (InvalidRequest, EnrolmentConflict) as error:
                return error

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(take_one(info, image)) for info, image in new]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]
