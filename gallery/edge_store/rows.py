"""What the store remembers of every template: who it shows, and whatever a filter may ask about."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from gallery.domain import EVERYTHING, TemplateFilter
from gallery.edge_store.catalogue import Catalogue
from gallery.edge_store.crowds import Crowd
from gallery.edge_store.means import Means
from gallery.records import foreign_point, label_of, timestamp

FIELDS = ["identity_id", "camera_id", "captured_at", "labels", "expires_at", "move"]
"""The fields of a payload that a row is made of."""


class Row(NamedTuple):
    """A template as filters see it; moments as the payload has them, which sort as text."""

    identity_id: str
    camera_id: str | None
    captured_at: str | None
    labels: tuple[str, ...]
    expires_at: str | None
    change_id: str | None


class Rows:
    """The rows of a gallery's templates by point id as an integer, and what is known of its identities.

    A template takes 0.3 KB. The engine reads a point's payload in 10 to 50 µs, as long as it takes to compare 1,000
    embeddings, and a filter of two conditions that many templates fit takes it six times the search.
    """

    def __init__(self, gallery_id: str, points: Iterable[tuple[Any, Any]]) -> None:
        """Read the (id, payload) pairs of all points; raises StoreCorrupt for one that is no template."""
        self._gallery_id = gallery_id
        self._rows = dict(self._read_point(point_id, payload) for point_id, payload in points)
        self.catalogue = Catalogue(row.identity_id for row in self._rows.values())
        self.means = Means()
        self.crowd = Crowd()
        self._first_expiry: str | None = None
        self._is_first_expiry_known = False

    def __len__(self) -> int:
        """Count the templates."""
        return len(self._rows)

    @property
    def by_id(self) -> Mapping[int, Row]:
        """The rows by template, for callers that look up a hundred at a time: a method for one would be too slow."""
        return self._rows

    def put(self, point_id: int, payload: Any) -> None:
        """Note a template that was written, or written over."""
        self.remove([point_id])
        self._rows[point_id] = row = self._read(point_id, payload)
        self.catalogue.add(row.identity_id)
        self._changed(row)

    def remove(self, point_ids: Iterable[int]) -> None:
        """Forget these templates; those that are not there are passed over."""
        for point_id in point_ids:
            if (row := self._rows.pop(point_id, None)) is not None:
                self.catalogue.remove(row.identity_id)
                self._changed(row)

    def all_fit(self, where: TemplateFilter) -> bool:
        """Whether ``where`` lets everything through: it filters by expiry at most, and nothing has expired."""
        if where.alive_at is None or where != TemplateFilter(alive_at=where.alive_at):
            return where == EVERYTHING
        if not self._is_first_expiry_known:
            moments = (row.expires_at for row in self._rows.values() if row.expires_at is not None)
            self._first_expiry, self._is_first_expiry_known = min(moments, default=None), True
        return self._first_expiry is None or self._first_expiry > timestamp(where.alive_at)

    def _changed(self, row: Row) -> None:
        self.means.forget(row.identity_id)
        if row.expires_at is not None:
            self._is_first_expiry_known = False

    def _read_point(self, point_id: Any, payload: Any) -> tuple[int, Row]:
        if not isinstance(point_id, UUID):
            raise foreign_point(point_id, self._gallery_id, "its id is no UUID")
        return point_id.int, self._read(point_id, payload)

    def _read(self, point_id: object, payload: Any) -> Row:
        values = payload or {}
        if not isinstance(values.get("identity_id"), str):
            raise foreign_point(point_id, self._gallery_id, "it has no identity")
        camera_id, move = values.get("camera_id"), values.get("move")
        return Row(
            sys.intern(values["identity_id"]),
            None if camera_id is None else sys.intern(camera_id),
            values.get("captured_at"),
            tuple(map(sys.intern, values.get("labels", ()))),
            values.get("expires_at"),
            None if move is None else sys.intern(move["change_id"]),
        )


def sieve_of(where: TemplateFilter) -> Callable[[Row], bool]:
    """Write a filter as a function that says which rows fit, as `conditions.condition_of` writes it for the engine."""
    cameras, identities = frozenset(where.camera_ids), frozenset(where.identity_ids)
    labels = frozenset(label_of(name, value) for name, value in where.labels)
    begin, end, now = (
        None if moment is None else timestamp(moment)
        for moment in (where.captured_from, where.captured_until, where.alive_at)
    )
    change_id = None if where.change_id is None else str(where.change_id)

    def fits(row: Row) -> bool:
        return (
            (not cameras or row.camera_id in cameras)
            and (begin is None or (row.captured_at is not None and row.captured_at >= begin))
            and (end is None or (row.captured_at is not None and row.captured_at < end))
            and labels.issubset(row.labels)
            and (not identities or row.identity_id in identities)
            and (change_id is None or row.change_id == change_id)
            and (now is None or row.expires_at is None or row.expires_at > now)
        )

    return fits
