"""Filters of templates as Qdrant's conditions, and the payload indices that answer them."""

from collections.abc import Sequence
from datetime import datetime

from qdrant_client import models

from gallery.domain import EVERYTHING, TemplateFilter
from gallery.records import label_of

IDENTITY = "identity_id"
_CHANGE = "move.change_id"

INDICES = {
    IDENTITY: models.PayloadSchemaType.KEYWORD,
    "camera_id": models.PayloadSchemaType.KEYWORD,
    "captured_at": models.PayloadSchemaType.DATETIME,
    "labels": models.PayloadSchemaType.KEYWORD,
    "expires_at": models.PayloadSchemaType.DATETIME,
    _CHANGE: models.PayloadSchemaType.KEYWORD,
}
"""Qdrant compares moments to the microsecond."""


def condition_of(where: TemplateFilter, identity_ids: Sequence[str] | None = None) -> models.Filter | None:
    """Write a filter as Qdrant's, or None where everything fits; ``identity_ids``: of any of these, too."""
    if where == EVERYTHING and identity_ids is None:
        return None
    must: list[models.Condition] = [_any("labels", [label_of(name, value)]) for name, value in where.labels]
    if identity_ids is not None:
        must.append(_any(IDENTITY, identity_ids))
    if where.camera_ids:
        must.append(_any("camera_id", where.camera_ids))
    if where.captured_from is not None:
        must.append(_range("captured_at", models.DatetimeRange(gte=where.captured_from)))
    if where.captured_until is not None:
        must.append(_range("captured_at", models.DatetimeRange(lt=where.captured_until)))
    if where.identity_ids:
        must.append(_any(IDENTITY, where.identity_ids))
    if where.change_id is not None:
        must.append(_any(_CHANGE, [str(where.change_id)]))
    return models.Filter(must=must, must_not=None if where.alive_at is None else [_expired(where.alive_at)])


def expired_by(moment: datetime) -> models.Filter:
    """Write the filter of what has expired by ``moment``."""
    return models.Filter(must=[_expired(moment)])


def of_identity(identity_id: str) -> models.Filter:
    """Write the filter of one identity's templates."""
    return models.Filter(must=[_any(IDENTITY, [identity_id])])


def _any(field: str, values: Sequence[str]) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))


def _range(field: str, span: models.DatetimeRange) -> models.FieldCondition:
    return models.FieldCondition(key=field, range=span)


def _expired(moment: datetime) -> models.FieldCondition:
    return _range("expires_at", models.DatetimeRange(lte=moment))
