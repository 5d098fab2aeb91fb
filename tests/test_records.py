"""What stores keep, written and read back; what the gallery cannot have written is said to be corrupt."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from gallery.domain import Region
from gallery.errors import InvalidModel, ModelMismatch, StoreCorrupt
from gallery.records import (
    checked_embedding,
    checked_embeddings,
    gallery_of_record,
    info_of,
    neighbour_of,
    payload_of,
    record_of_gallery,
)
from tests.stores.samples import DIMENSION, OTHER_MODEL, make_gallery, make_template, unit

GALLERY = make_gallery("main", threshold=0.5)
INFO = make_template("ann", 1, region=Region(1, 2, 3, 4)).info
RECORD = record_of_gallery(GALLERY)
PAYLOAD = payload_of(INFO)


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


@pytest.mark.parametrize("threshold", [None, 0.0, 0.3])
def test_a_gallery_is_read_as_it_was_written_through_json(threshold: float | None) -> None:
    gallery = make_gallery("main", threshold=threshold)
    assert gallery_of_record(json.loads(json.dumps(record_of_gallery(gallery))), "here") == gallery


@pytest.mark.parametrize("region", [None, Region(0, 0, 1, 1)])
def test_a_template_is_read_as_it_was_written_through_json(region: Region | None) -> None:
    info = make_template("ann", 1, region=region).info
    assert info_of(info.template_id, json.loads(json.dumps(payload_of(info))), GALLERY) == info


def test_times_are_written_in_utc_and_sort_as_text() -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    elsewhere = (noon + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=-5)))
    texts = [payload_of(replace(INFO, enrolled_at=moment))["enrolled_at"] for moment in (noon, elsewhere)]
    assert texts == ["2026-11-22T12:00:00.000000Z", "2026-11-22T12:00:00.000001Z"]


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        {},
        *(without(RECORD, name) for name in RECORD),
        RECORD | {"more": 1},
        RECORD | {"dimension": 0},
        RECORD | {"dimension": True},
        RECORD | {"dimension": 2.5},
        RECORD | {"threshold": "0.5"},
        RECORD | {"threshold": float("nan")},
        RECORD | {"model_digest": ""},
        RECORD | {"created_at": "yesterday"},
        RECORD | {"created_at": "2026-11-22T12:00:00"},
    ],
)
def test_a_record_that_was_not_written_here_is_corrupt(record: object) -> None:
    with pytest.raises(StoreCorrupt, match="the file here"):
        gallery_of_record(record, "the file here")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        "text",
        {},
        *(without(PAYLOAD, name) for name in PAYLOAD if name != "region"),
        PAYLOAD | {"more": 1},
        PAYLOAD | {"identity_id": 7},
        PAYLOAD | {"identity_id": ""},
        PAYLOAD | {"model_digest": OTHER_MODEL},
        PAYLOAD | {"enrolled_at": None},
        PAYLOAD | {"region": [1, 2, 3, 4]},
        PAYLOAD | {"region": {"x": 0, "y": 0, "width": 0, "height": 1}},
        PAYLOAD | {"region": {"x": 0, "y": 0, "width": 1.5, "height": 1}},
    ],
)
def test_a_payload_that_was_not_written_here_is_corrupt(payload: object) -> None:
    with pytest.raises(StoreCorrupt, match=f"{INFO.template_id}.*'main'"):
        info_of(INFO.template_id, payload, GALLERY)


def test_a_point_whose_id_is_no_uuid_is_corrupt() -> None:
    with pytest.raises(StoreCorrupt, match="'main'"):
        info_of(7, PAYLOAD, GALLERY)
    with pytest.raises(StoreCorrupt, match="'main'"):
        neighbour_of(7, "ann", 0.5, "main")


@pytest.mark.parametrize(("similarity", "distance"), [(1.0000001, 0.0), (1.0, 0.0), (0.25, 0.75), (-1.0000001, 2.0)])
def test_a_distance_is_1_minus_the_similarity_within_its_bounds(similarity: float, distance: float) -> None:
    assert neighbour_of(INFO.template_id, "ann", similarity, "main").distance == distance


def test_embeddings_are_stacked_in_order() -> None:
    templates = [make_template("ann", seed) for seed in range(3)]
    rows = checked_embeddings(GALLERY, templates)
    assert rows.dtype == np.float32
    assert np.array_equal(rows, [template.embedding for template in templates])
    assert checked_embeddings(GALLERY, []).shape == (0, DIMENSION)


def test_a_norm_may_be_off_by_rounding_only() -> None:
    checked_embedding(GALLERY, unit(1) * np.float32(1.0009))
    with pytest.raises(InvalidModel, match="length"):
        checked_embedding(GALLERY, unit(1) * np.float32(1.0011))
    with pytest.raises(ModelMismatch, match=rf"\({DIMENSION},\)"):
        checked_embedding(GALLERY, unit(1, DIMENSION + 1))
