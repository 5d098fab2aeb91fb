"""Filters of templates as the engine's conditions, and the indices that answer them."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from qdrant_edge import (
    DatetimeIndexParams,
    FieldCondition,
    Filter,
    KeywordIndexParams,
    MatchAny,
    MatchValue,
    RangeDateTime,
)

from gallery.domain import EVERYTHING, TemplateFilter
from gallery.records import label_of, timestamp

IDENTITY = "identity_id"
_CHANGE = "move.change_id"
_KEYWORD = KeywordIndexParams(enable_hnsw=False)
_MOMENT = DatetimeIndexParams(enable_hnsw=False)

INDICES: dict[str, Any] = {
    IDENTITY: _KEYWORD,
    "camera_id": _KEYWORD,
    "captured_at": _MOMENT,
    "labels": _KEYWORD,
    "expires_at": _MOMENT,
    _CHANGE: _KEYWORD,
}
"""Searches are exact, so no index has links of the approximate one; moments are compared to the microsecond."""


def condition_of(where: TemplateFilter) -> Any:
    """Write a filter as the engine's, or None where everything fits."""
    if where == EVERYTHING:
        return None
    must = [_equal("labels", label_of(name, value)) for name, value in where.labels]
    if where.camera_ids:
        must.append(FieldCondition("camera_id", match=MatchAny(list(where.camera_ids))))
    if where.captured_from is not None:
        must.append(FieldCondition("captured_at", range=RangeDateTime(gte=timestamp(where.captured_from))))
    if where.captured_until is not None:
        must.append(FieldCondition("captured_at", range=RangeDateTime(lt=timestamp(where.captured_until))))
    if where.identity_ids:
        must.append(FieldCondition(IDENTITY, match=MatchAny(list(where.identity_ids))))
    if where.change_id is not None:
        must.append(_equal(_CHANGE, str(where.change_id)))
    return Filter(must=must, must_not=[] if where.alive_at is None else [_expired(where.alive_at)])


def expired_by(moment: datetime) -> Any:
    """Write the filter of what has expired by ``moment``."""
    return Filter(must=[_expired(moment)])


def of_identity(identity_id: str) -> Any:
    """Write the filter of one identity's templates."""
    return Filter(must=[_equal(IDENTITY, identity_id)])


def is_only_about_expiry(where: TemplateFilter) -> bool:
    """Whether ``where`` filters by expiry at most."""
    return replace(where, alive_at=None) == EVERYTHING


def _equal(field: str, value: str) -> Any:
    return FieldCondition(field, match=MatchValue(value))


def _expired(moment: datetime) -> Any:
    return FieldCondition("expires_at", range=RangeDateTime(lte=timestamp(moment)))
