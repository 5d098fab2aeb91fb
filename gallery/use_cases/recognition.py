"""Recognition: identify 1:N, verify 1:1, embed."""

import asyncio
from collections.abc import Sequence

from gallery import matching
from gallery.domain import (
    Candidate,
    Embedded,
    Embedding,
    EncodedImage,
    Identification,
    Region,
    Verification,
    checked_identity_id,
)
from gallery.errors import InvalidParameter
from gallery.use_cases.base import UseCases, check_one_person, no_identity

MAX_CANDIDATES = 100


class Recognition(UseCases):
    """Who a probe is."""

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
        check_one_person(image)
        gallery = await self._open(gallery_id)
        basis = self._basis(threshold, gallery)
        embedding = (await self._embedder.embed(image))[0]
        nearest = await self._store.nearest(gallery_id, embedding, limit=1, identity_id=identity_id)
        if not nearest:
            raise no_identity(gallery_id, identity_id)
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
        check_one_person(image)
        check_one_person(reference)
        basis = self._basis(threshold, None if gallery_id is None else await self._open(gallery_id))
        probe, other = await asyncio.gather(self._embedder.embed(image), self._embedder.embed(reference))
        distance = matching.cosine_distance(probe[0], other[0])
        return Verification(distance <= basis.threshold, distance, basis)

    async def embed(self, image: EncodedImage) -> tuple[Embedded, ...]:
        """Embed each region (or the whole picture); nothing is stored."""
        embeddings = await self._embedder.embed(image)
        digest = self._embedder.card.digest
        return tuple(
            Embedded(region, embedding, digest) for region, embedding in zip(_regions(image), embeddings, strict=True)
        )

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
