"""Records are read strictly, and nothing of a gallery or template is forgotten in them."""

import json
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest

from gallery.domain import Context, Move, QualityLimits, Region
from gallery.errors import StoreCorrupt
from gallery.records import gallery_of_record, info_of, label_of, payload_of, record_of_gallery, template_of
from tests.stores.samples import NOON, OTHER_MODEL, make_gallery, make_template, unit
from tests.stores.test_store_context import CHANGE, LABELS
from tests.stores.test_store_galleries import CALIBRATED, PINNED, POLICY

GALLERY = replace(make_gallery("main"), thresholds=(PINNED, CALIBRATED), policy=POLICY)
INFO = make_template(
    "ann",
    1,
    region=Region(0, 1, 2, 3),
    context=Context.of("north", NOON, {"shirt": "red"}),
    expires_at=NOON,
    move=Move(CHANGE, "bob"),
).info
FULL_LIMITS = QualityLimits(**{each.name: number for number, each in enumerate(fields(QualityLimits))})


def is_default(value: object, name: str) -> bool:
    """Whether ``value`` has in ``name`` what it would have unsaid."""
    (each,) = (each for each in fields(value) if each.name == name)  # type: ignore[arg-type]
    default = each.default_factory() if each.default_factory is not MISSING else each.default
    return bool(getattr(value, name) == default)


@pytest.mark.parametrize("value", [GALLERY, CALIBRATED, POLICY, FULL_LIMITS, INFO, INFO.context])
def test_these_tests_set_every_field(value: object) -> None:
    assert [each.name for each in fields(value) if is_default(value, each.name)] == []  # type: ignore[arg-type]


def test_a_record_forgets_nothing() -> None:
    full = replace(GALLERY, policy=replace(POLICY, enrolment_quality=FULL_LIMITS, probe_quality=FULL_LIMITS))
    for gallery in (full, make_gallery("main")):
        assert gallery_of_record(json.loads(json.dumps(record_of_gallery(gallery))), "here") == gallery


def test_a_payload_forgets_nothing() -> None:
    for info in (INFO, make_template("ann", 2).info):
        assert info_of(str(info.template_id), json.loads(json.dumps(payload_of(info))), GALLERY) == info


def test_a_payload_says_only_what_there_is_to_say() -> None:
    assert set(payload_of(make_template("ann", 1).info)) == {
        "identity_id",
        "model_digest",
        "image_digest",
        "enrolled_at",
    }


def test_no_two_labels_are_one_keyword() -> None:
    assert len({label_of(name, value) for name, value in LABELS}) == len(LABELS)


def put(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Write ``value`` where the dotted ``path`` leads."""

    def change(record: Any) -> None:
        *way, last = path.split(".")
        for step in way:
            record = record[int(step) if step.isdigit() else step]
        record[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("thresholds", None),
        put("thresholds", {}),
        put("thresholds.0.version", 2),
        put("thresholds.0.version", 0),
        put("thresholds.0.version", 1.0),
        put("thresholds.0.value", "0.3"),
        put("thresholds.0.value", float("nan")),
        put("thresholds.0.origin", "guessed"),
        put("thresholds.0.set_at", "2026-11-22T12:00:00"),
        put("thresholds.1.tail", {"intercept": 1.0}),
        put("thresholds.1.identity_count", -1),
        put("thresholds.1.note", ""),
        put("policy", None),
        put("policy.fusion", "worst"),
        put("policy.on_conflict", None),
        put("policy.template_lifetime", 0),
        put("policy.template_lifetime", 1e300),
        put("policy.probe_quality.min_width", 64.5),
        put("policy.probe_quality.min_contrast", True),
        put("policy.probe_quality.max_width", 3),
        put("created_at", None),
        put("dimension", 0),
        put("model_digest", ""),
    ],
)
def test_a_gallerys_record_that_was_not_written_so_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    record = record_of_gallery(GALLERY)
    assert gallery_of_record(record, "here") == GALLERY
    change(record)
    with pytest.raises(StoreCorrupt, match="here"):
        gallery_of_record(record, "here")


@pytest.mark.parametrize(
    "change",
    [
        put("region", None),
        put("region", {"x": 0, "y": 0, "width": 0, "height": 1}),
        put("camera_id", None),
        put("camera_id", 3),
        put("captured_at", 1790000000.0),
        put("captured_at", "2026-11-22T12:00:00"),
        put("labels", "shirt=red"),
        put("labels", ["shirt"]),
        put("labels", [3]),
        put("expires_at", "soon"),
        put("move", {"change_id": "1", "from_identity_id": "bob"}),
        put("move", {"change_id": str(CHANGE)}),
        put("note", ""),
        put("model_digest", OTHER_MODEL),
    ],
)
def test_a_payload_that_was_not_written_so_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    payload = payload_of(INFO)
    change(payload)
    with pytest.raises(StoreCorrupt, match=str(INFO.template_id)):
        info_of(str(INFO.template_id), payload, GALLERY)


@pytest.mark.parametrize("vector", [None, [], unit(1)[:-1], unit(1) * 2, ["a"] * 16])
def test_a_point_without_a_templates_embedding_is_refused(vector: Any) -> None:
    with pytest.raises(StoreCorrupt, match=str(INFO.template_id)):
        template_of(str(INFO.template_id), payload_of(INFO), vector, GALLERY)
