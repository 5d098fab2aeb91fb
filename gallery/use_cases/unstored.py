"""Templates on their way into the store, which a search of the store cannot find yet."""

from uuid import UUID

import numpy as np

from gallery.domain import MAX_DISTANCE, Embedding, Neighbour, Template, TemplateInfo


class Unstored:
    """At most ``capacity`` templates of one dimension, in one matrix: a comparison with all of them takes 0.05 ms."""

    def __init__(self, capacity: int) -> None:
        self._free = list(range(capacity))
        self._rows: dict[UUID, int] = {}
        self._infos: list[TemplateInfo | None] = [None] * capacity
        self._vectors = np.zeros((capacity, 0), np.float32)

    def add(self, template: Template) -> None:
        """Put one in."""
        if not self._vectors.shape[1]:
            self._vectors = np.zeros((len(self._infos), len(template.embedding)), np.float32)
        row = self._free.pop()
        self._rows[template.info.template_id] = row
        self._infos[row] = template.info
        self._vectors[row] = template.embedding

    def discard(self, template_id: UUID) -> None:
        """Take one out, if it is there."""
        row = self._rows.pop(template_id, None)
        if row is not None:
            self._infos[row] = None
            self._free.append(row)

    def near(self, identity_id: str, embedding: Embedding) -> tuple[Neighbour, ...]:
        """Find the nearest template of ``identity_id`` and the nearest of anybody else, as far as there are any."""
        if not self._rows:
            return ()
        distances = np.clip(1.0 - self._vectors @ embedding, 0.0, MAX_DISTANCE).tolist()
        nearest: dict[bool, Neighbour] = {}
        for info, distance in zip(self._infos, distances, strict=True):
            if info is None:
                continue
            own = info.identity_id == identity_id
            if own not in nearest or distance < nearest[own].distance:
                nearest[own] = Neighbour(info.template_id, info.identity_id, distance)
        return tuple(nearest.values())
