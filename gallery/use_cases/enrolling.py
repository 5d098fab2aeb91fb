"""The steps of enrolling an image, one at a time or in bulk: describe it, look whether it is known, embed, judge."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gallery import quality
from gallery.domain import (
    Basis,
    Conflict,
    EncodedImage,
    EnrolledTemplate,
    Gallery,
    Lane,
    Neighbour,
    OnConflict,
    Quality,
    Template,
    TemplateInfo,
    checked_context,
    checked_identity_id,
    template_id_of,
)
from gallery.errors import EnrolmentConflict, InvalidParameter, PoorQuality
from gallery.records import checked_embedding
from gallery.use_cases.base import UseCases, check_one_person

_NEIGHBOURS = 16  # templates looked at for somebody else's among them


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """An image that may be enrolled: its template, its quality and whom it conflicts with. Nothing is stored yet."""

    template: Template
    quality: Quality
    conflicts: tuple[Conflict, ...] = ()

    def enrolled(self, index: int) -> EnrolledTemplate:
        """Say of the image at ``index`` that it is enrolled, now that its template is stored."""
        return EnrolledTemplate(index, self.template.info, True, self.quality, self.conflicts)


class Enrolling(UseCases):
    """What every enrolment does with an image."""

    def _described(self, gallery: Gallery, identity_id: str, image: EncodedImage) -> TemplateInfo:
        """Say what the image's template would be; hashes the image, so not for the event loop.

        Raises InvalidIdentifier, InvalidParameter.
        """
        region = image.regions[0] if image.regions else None
        image_digest = hashlib.sha256(image.content).hexdigest()
        now, lifetime = self._clock(), gallery.policy.template_lifetime
        info = TemplateInfo(
            template_id_of(checked_identity_id(identity_id), image_digest, region),
            identity_id,
            gallery.model_digest,
            image_digest,
            now,
            region,
            checked_context(image.context),
        )
        return (
            info if lifetime is None else replace(info, expires_at=_after(image.context.captured_at or now, lifetime))
        )

    async def _known(self, gallery: Gallery, template_ids: Sequence[UUID]) -> dict[UUID, TemplateInfo]:
        """Find which templates are enrolled and have not expired.

        One that has expired is about to be erased: whoever is told that it is enrolled would lose it.
        """
        found, now = await self._store.find(gallery.gallery_id, template_ids), self._clock()
        return {info.template_id: info for info in found if not _has_expired(info, now)}

    async def _embedded(self, gallery: Gallery, info: TemplateInfo, image: EncodedImage, lane: Lane) -> Taken:
        """Embed an image of one person and judge its quality by the gallery's policy.

        Raises InvalidRegion, InvalidParameter, InvalidImage, PoorQuality, InvalidModel, Overloaded.
        """
        check_one_person(image)
        if info.expires_at is not None and _has_expired(info, info.enrolled_at):
            raise InvalidParameter(
                f"the template would have expired at {info.expires_at.isoformat()}",
                expected=f"a picture captured less than {gallery.policy.template_lifetime} ago, the gallery's lifetime",
            )
        (person,) = await self._embedder.embed(image, lane)
        judged = quality.judged(person.quality, gallery.policy.enrolment_quality)
        if judged.reasons:
            raise PoorQuality(
                f"a picture of {info.identity_id!r} is {', '.join(judged.reasons).replace('_', ' ')}",
                expected="what the gallery's policy asks of enrolled pictures",
                remedy="enrol a better picture, or change the policy",
            )
        return Taken(Template(info, checked_embedding(gallery, person.embedding)), judged)

    async def _near(self, gallery_id: str, templates: Sequence[Template]) -> list[list[Neighbour]]:
        """Find what `compared` asks of the store, for all of these in one go."""
        return await self._store.nearest_to_each(gallery_id, templates, limit=_NEIGHBOURS, where=self._alive())


def compared(policy: OnConflict, basis: Basis, taken: Taken, near: Sequence[Neighbour]) -> Taken:
    """Note, as a conflict, another identity that the picture is nearer to than to its own.

    Where it is the first picture of its identity, one within the threshold.

    ``near`` are the nearest templates to the picture and the nearest one of its own identity. Raises EnrolmentConflict
    where the policy refuses such a picture.
    """
    own_id = taken.template.info.identity_id
    other = min((each for each in near if each.identity_id != own_id), key=_distance, default=None)
    if policy is OnConflict.ACCEPT or other is None:
        return taken
    own_distance = min((each.distance for each in near if each.identity_id == own_id), default=None)
    if other.distance > (basis.threshold if own_distance is None else own_distance):
        return taken
    if policy is OnConflict.REFUSE:
        raise EnrolmentConflict(
            f"the picture lies at {other.distance:.3f} from {other.identity_id!r}, nearer than to "
            f"{own_id!r}" + ("" if own_distance is None else f" ({own_distance:.3f})"),
            expected="a picture nearer to its own identity, or of somebody who is not enrolled yet",
            remedy="check whose picture it is, or merge the two identities",
            conflicting_identity_id=other.identity_id,
        )
    return replace(taken, conflicts=(Conflict(other.identity_id, other.distance, own_distance),))


def _after(moment: datetime, lifetime: timedelta) -> datetime:
    try:
        return moment + lifetime
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)  # the end of the calendar


def _has_expired(info: TemplateInfo, now: datetime) -> bool:
    return info.expires_at is not None and info.expires_at <= now


def _distance(near: Neighbour) -> float:
    return near.distance
