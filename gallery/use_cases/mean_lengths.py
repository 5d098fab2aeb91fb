"""How much an identity's templates agree: what ranking by their mean needs beside their distances."""

import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID

from gallery import matching
from gallery.domain import Gallery, Neighbour
from gallery.ports import TemplateStore

_REMEMBERED = 10_000  # sets of templates, at some 200 bytes each


class MeanLengths:
    """The lengths of the means of identities' templates, remembered by model and template ids.

    A template's id stands for its picture and the model's digest for how it was embedded, so what is remembered never
    becomes wrong, whatever is enrolled or erased. No embedding is kept.
    """

    def __init__(self, store: TemplateStore) -> None:
        self._store = store
        self._remembered: dict[bytes, float] = {}

    async def of(self, gallery: Gallery, neighbours: Iterable[Neighbour]) -> dict[str, float]:
        """Return the length for each identity of ``neighbours``; one that was erased meanwhile is left out."""
        groups: dict[str, list[UUID]] = {}
        for neighbour in neighbours:
            groups.setdefault(neighbour.identity_id, []).append(neighbour.template_id)
        keys = {identity_id: _key(gallery.model_digest, ids) for identity_id, ids in groups.items() if len(ids) > 1}
        lengths = dict.fromkeys(groups.keys() - keys.keys(), 1.0)
        missing: dict[str, bytes] = {}
        for identity_id, key in keys.items():
            if (length := self._remembered.pop(key, None)) is None:
                missing[identity_id] = key
            else:
                lengths[identity_id] = self._remembered[key] = length  # the last one used is the last one forgotten
        if missing:
            wanted = [template_id for identity_id in missing for template_id in groups[identity_id]]
            found = await self._store.embeddings(gallery.gallery_id, wanted)
            for identity_id, key in missing.items():
                own = [found[template_id] for template_id in groups[identity_id] if template_id in found]
                if own:
                    lengths[identity_id] = matching.mean_length(own)
                if len(own) == len(groups[identity_id]):
                    self._remember(key, lengths[identity_id])
        return lengths

    def _remember(self, key: bytes, length: float) -> None:
        self._remembered[key] = length
        while len(self._remembered) > _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]


def _key(model_digest: str, template_ids: Sequence[UUID]) -> bytes:
    ids = b"".join(sorted(template_id.bytes for template_id in template_ids))
    return hashlib.blake2b(model_digest.encode() + ids, digest_size=16).digest()
