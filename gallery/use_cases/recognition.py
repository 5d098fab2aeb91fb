"""Recognition: identify 1:N, verify 1:1, embed."""

import asyncio
from dataclasses import dataclass, replace

from gallery import matching, quality
from gallery.domain import (
    EVERYTHING,
    Basis,
    Candidate,
    Embedded,
    Embedding,
    EncodedImage,
    Gallery,
    Identification,
    Outcome,
    Quality,
    QualityLimits,
    Region,
    TemplateFilter,
    Verification,
    checked_identity_id,
)
from gallery.errors import InvalidParameter
from gallery.use_cases.base import UseCases, check_one_person, no_identity

MAX_CANDIDATES = 100
DEFAULT_MAX_CANDIDATES = 5

_FOR_A_RUNNER_UP = 2


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a probe, beside its picture."""

    gallery: Gallery
    basis: Basis
    max_candidates: int
    where: TemplateFilter

    def decided(self, region: Region | None, candidates: tuple[Candidate, ...], judged: Quality) -> Identification:
        """Decide, and name no more candidates than were asked for."""
        answer = matching.decide(region, candidates, self.basis, judged)
        if len(candidates) <= self.max_candidates:
            return answer
        return replace(answer, candidates=candidates[: self.max_candidates])


class Recognition(UseCases):
    """Who a probe is."""

    async def identify(
        self,
        gallery_id: str,
        image: EncodedImage,
        *,
        max_candidates: int = DEFAULT_MAX_CANDIDATES,
        threshold: float | None = None,
        where: TemplateFilter = EVERYTHING,
    ) -> tuple[Identification, ...]:
        """Say of each region (or the whole picture) who the nearest identities are, and what became of the probe."""
        check_max_candidates(max_candidates)
        gallery = await self._open(gallery_id)
        basis = await self._basis(threshold, gallery)
        people = await self._embedder.embed(image)
        question = Question(gallery, basis, max_candidates, self._alive(where))
        return tuple([await self._identification(question, person) for person in people])

    async def _identification(self, question: Question, person: Embedded) -> Identification:
        judged = quality.judged(person.quality, question.gallery.policy.probe_quality)
        answer = question.decided(person.region, await self._candidates(question, person.embedding), judged)
        self._observer.decided(question.gallery, answer, question.where)
        return answer

    async def _candidates(self, question: Question, embedding: Embedding) -> tuple[Candidate, ...]:
        wanted = max(question.max_candidates, _FOR_A_RUNNER_UP)
        return await self._rank(question.gallery, embedding, wanted, question.where)

    async def verify_identity(
        self, gallery_id: str, image: EncodedImage, identity_id: str, *, threshold: float | None = None
    ) -> Verification:
        """Say whether the probe is this identity; raises IdentityNotFound."""
        checked_identity_id(identity_id)
        check_one_person(image)
        gallery = await self._open(gallery_id)
        basis = await self._basis(threshold, gallery)
        (person,) = await self._embedder.embed(image)
        ranked = await self._rank(gallery, person.embedding, 1, replace(self._alive(), identity_ids=(identity_id,)))
        if not ranked:
            raise no_identity(gallery_id, identity_id)
        answer = _verification(person, ranked[0].distance, basis, gallery.policy.probe_quality)
        self._observer.verified(gallery, answer)
        return answer

    async def verify_images(
        self,
        image: EncodedImage,
        reference: EncodedImage,
        *,
        gallery_id: str | None = None,
        threshold: float | None = None,
    ) -> Verification:
        """Say whether two images show the same person; a gallery, when named, lends its threshold and limits."""
        check_one_person(image)
        check_one_person(reference)
        gallery = None if gallery_id is None else await self._open(gallery_id)
        basis = await self._basis(threshold, gallery)
        (probe,), (other,) = await asyncio.gather(self._embedder.embed(image), self._embedder.embed(reference))
        distance = matching.cosine_distance(probe.embedding, other.embedding)
        limits = QualityLimits() if gallery is None else gallery.policy.probe_quality
        answer = _verification(probe, distance, basis, limits)
        self._observer.verified(gallery, answer)
        return answer

    async def embed(self, image: EncodedImage) -> tuple[Embedded, ...]:
        """Embed each region (or the whole picture) and measure its quality; nothing is stored."""
        return await self._embedder.embed(image)

    async def _rank(
        self, gallery: Gallery, embedding: Embedding, max_candidates: int, where: TemplateFilter
    ) -> tuple[Candidate, ...]:
        """Find the nearest identities by the gallery's fusion rule."""
        fusion = gallery.policy.fusion
        return await self._store.nearest_identities(
            gallery.gallery_id, embedding, limit=max_candidates, fusion=fusion, where=where
        )


def check_max_candidates(max_candidates: int) -> None:
    """Refuse, with InvalidParameter, to name nobody or too many."""
    if not 0 < max_candidates <= MAX_CANDIDATES:
        raise InvalidParameter(f"max_candidates is {max_candidates}", expected=f"1 to {MAX_CANDIDATES}")


def _verification(person: Embedded, distance: float, basis: Basis, limits: QualityLimits) -> Verification:
    judged = quality.judged(person.quality, limits)
    if judged.reasons:
        return Verification(Outcome.REJECTED, distance, basis, judged)
    outcome = Outcome.MATCH if distance <= basis.threshold else Outcome.NO_MATCH
    return Verification(outcome, distance, basis, judged)
