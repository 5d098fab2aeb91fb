"""Templates on their way into the store, which a search of the store cannot find yet."""

from uuid import UUID

import numpy as np

from gallery.domain import MAX_DISTANCE, Embedding, Neighbour, Template, TemplateInfo


class Unstored:
    """At most ``capacity`` templates of one dimension, in one matrix: to compare with all of them takes 0.03 ms."""

    def __init__(self, capacity: int) -> None:
        self._free = list(range(capacity))
        self._rows: dict[UUID, int] = {}
        self._infos: dict[int, TemplateInfo] = {}
        self._rows_of: dict[str, set[int]] = {}
        self._vectors = np.zeros((capacity, 0), np.float32)

    def add(self, template: Template) -> None:
        """Put one in."""
        if not self._vectors.shape[1]:
            self._vectors = np.full((len(self._free), len(template.embedding)), np.nan, np.float32)
        info, row = template.info, self._free.pop()
        self._rows[info.template_id] = row
        self._infos[row] = info
        self._rows_of.setdefault(info.identity_id, set()).add(row)
        self._vectors[row] = template.embedding

    def discard(self, template_id: UUID) -> None:
        """Take one out, if it is there."""
        row = self._rows.pop(template_id, None)
        if row is None:
            return
        identity_id = self._infos.pop(row).identity_id
        self._rows_of[identity_id].discard(row)
        if not self._rows_of[identity_id]:
            del self._rows_of[identity_id]
        self._vectors[row] = np.nan
        self._free.append(row)

    def near(self, identity_id: str, embedding: Embedding) -> tuple[Neighbour, ...]:
        """Find the nearest template of ``identity_id`` and the nearest of anybody else, as far as there are any."""
        if not self._rows:
            return ()
        distances = np.clip(1.0 - self._vectors @ embedding, 0.0, MAX_DISTANCE)
        own = self._rows_of.get(identity_id, set())
        nearest_first = np.argsort(distances)[: len(self._rows)].tolist()  # NaN, the free rows, comes last
        found = [min(own, key=lambda row: float(distances[row]))] if own else []
        found += next(([row] for row in nearest_first if row not in own), [])
        infos = [(self._infos[row], float(distances[row])) for row in found]
        return tuple(Neighbour(info.template_id, info.identity_id, distance) for info, distance in infos)
