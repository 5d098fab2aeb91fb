"""How much an identity's templates agree: what ranking by their mean needs beside their distances to the probe."""

import hashlib
from collections.abc import Iterable, Mapping
from uuid import UUID

from gallery.domain import Embedding, Neighbour
from gallery.matching import mean_length

_REMEMBERED = 10_000  # sets of templates, at some 200 bytes each


class MeanLengths:
    """The lengths of the means of identities' templates, remembered by model and template ids.

    A template's id stands for its picture and the model's digest for how it was embedded, so what is remembered never
    becomes wrong, whatever is enrolled or erased. No embedding is kept.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._remembered: dict[bytes, float] = {}

    def known(self, model_digest: str, neighbours: Iterable[Neighbour]) -> tuple[dict[str, float], list[UUID]]:
        """Return the lengths that are known of the neighbours' identities, and the templates of all others."""
        lengths: dict[str, float] = {}
        others: list[UUID] = []
        for identity_id, ids in _grouped(neighbours).items():
            key = _key(model_digest, ids)
            length = 1.0 if len(ids) == 1 else self._remembered.pop(key, None)
            if length is None:
                others += ids
                continue
            lengths[identity_id] = length
            if len(ids) > 1:
                self._remembered[key] = length  # at the end again: the first is the one to be forgotten
        return lengths, others

    def learnt(
        self, model_digest: str, neighbours: Iterable[Neighbour], embeddings: Mapping[UUID, Embedding]
    ) -> dict[str, float]:
        """Return the lengths of identities whose templates' embeddings are given, and remember them.

        Templates that were erased meanwhile have none; an identity that has no other is left out.
        """
        lengths: dict[str, float] = {}
        for identity_id, ids in _grouped(neighbours).items():
            if own := [embeddings[template_id] for template_id in ids if template_id in embeddings]:
                lengths[identity_id] = mean_length(own)
                if len(own) == len(ids):
                    self._remembered[_key(model_digest, ids)] = lengths[identity_id]
        while len(self._remembered) > _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return lengths


def _grouped(neighbours: Iterable[Neighbour]) -> dict[str, list[UUID]]:
    groups: dict[str, list[UUID]] = {}
    for neighbour in neighbours:
        groups.setdefault(neighbour.identity_id, []).append(neighbour.template_id)
    return groups


def _key(model_digest: str, template_ids: Iterable[UUID]) -> bytes:
    ids = b"".join(sorted(template_id.bytes for template_id in template_ids))
    return hashlib.blake2b(model_digest.encode() + ids, digest_size=16).digest()
