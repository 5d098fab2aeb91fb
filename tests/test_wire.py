import inspect
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import code_pb2

from gallery import errors
from gallery.domain import (
    EVERYTHING,
    Basis,
    BulkResult,
    CalibrationReport,
    Candidate,
    Change,
    Cohort,
    Conflict,
    Context,
    Embedded,
    EncodedImage,
    EnrolledTemplate,
    EnrolmentResult,
    Finding,
    FindingKind,
    Fusion,
    Gallery,
    Identification,
    Identity,
    IdentitySummary,
    Interval,
    OnConflict,
    OperatingPoint,
    Outcome,
    Policy,
    Quality,
    QualityLimits,
    QualityReason,
    RefusedImage,
    Region,
    Tail,
    TemplateFilter,
    TemplateInfo,
    Threshold,
    ThresholdOrigin,
    ThresholdSource,
    Verification,
)
from gallery.errors import (
    CallFailed,
    GalleryError,
    InvalidIdentifier,
    InvalidParameter,
    InvalidRegion,
    InvalidRequest,
    NotEnoughEvidence,
    Overloaded,
)
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire import bulk, enrolment, keeping, upkeep, values
from gallery.wire.status import CODES, code_of, error_of, status_of, subclasses

NOW = datetime(2026, 11, 22, 13, 37, 0, 123456, tzinfo=UTC)
BASIS = Basis(0.25, ThresholdSource.GALLERY, "ab" * 32, 0.02, 3, 0.01)
REGION = Region(0, 3, 64, 128)
CONTEXT = Context.of("door-1", NOW, {"floor": "2", "zone": "a"})
INFO = TemplateInfo(
    uuid.uuid4(), "ann", "ab" * 32, "cd" * 32, NOW, REGION, CONTEXT, expires_at=NOW + timedelta(hours=1)
)
CLEAR = Quality(64, 128, 0.5, 0.25, 0.75)
POOR = Quality(6, 8, 0.5, 0.25, 0.75, 0.5, (QualityReason.TOO_SMALL, QualityReason.TOO_DARK))
EVERY_ERROR = [kind for kind in subclasses(GalleryError) if kind.__module__ == errors.__name__]


def test_every_value_comes_back_from_the_wire_as_it_went() -> None:
    image = EncodedImage(b"jpeg", (REGION, Region(5, 6, 7, 8)), CONTEXT)
    ann = Candidate("ann", 0.125, uuid.uuid4())
    people = (
        Identification(REGION, Outcome.MATCH, (ann,), None, BASIS, CLEAR),
        Identification(None, Outcome.AMBIGUOUS, (ann, ann), 0.0, BASIS, CLEAR),
        Identification(None, Outcome.REJECTED, (), None, BASIS, POOR),
    )
    whole = TemplateInfo(uuid.uuid4(), "bob", "ab" * 32, "cd" * 32, NOW)
    for picture in (image, EncodedImage(b"png")):
        assert values.read_image(values.image_message(picture)) == picture
    assert values.read_identify(values.identify_message(people)) == people
    for info in (INFO, whole):
        assert values.read_template(values.template_message(info)) == info
    verification = Verification(Outcome.NO_MATCH, 0.5, BASIS, CLEAR)
    assert values.read_verify(values.verify_message(verification)) == verification
    identity = Identity("ann", (INFO, INFO))
    assert values.read_identity(values.identity_message(identity)) == identity
    summary = IdentitySummary("ann", 3)
    assert values.read_summary(values.summary_message(summary)) == summary


def test_a_gallery_comes_back_with_its_thresholds_and_its_policy() -> None:
    limits = QualityLimits(min_width=16, max_brightness=0.75, max_strangeness=0.5)
    policy = Policy(Fusion.MEAN, limits, QualityLimits(), OnConflict.REFUSE, timedelta(days=1.5), 1.5)
    thresholds = (
        Threshold(1, 0.0, ThresholdOrigin.PINNED, NOW),
        Threshold(2, 0.25, ThresholdOrigin.CALIBRATED, NOW, 0.02, 0.01, 0.2, 0.3, 50),
        Threshold(3, 0.5, ThresholdOrigin.MODEL, NOW),
    )
    gallery = Gallery("lobby", "ab" * 32, "net", 256, NOW, thresholds, policy)
    assert keeping.read_gallery(keeping.gallery_message(gallery)) == gallery
    plain = Gallery("lobby", "ab" * 32, "net", 256, NOW)
    assert keeping.read_gallery(keeping.gallery_message(plain)) == plain


def test_the_tail_that_a_threshold_is_corrected_by_stays_in_the_store() -> None:
    threshold = Threshold(1, 0.25, ThresholdOrigin.CALIBRATED, NOW, tail=Tail(-9.0, 12.0))
    assert keeping.read_threshold(keeping.threshold_message(threshold)) == replace(threshold, tail=None)


def test_a_filter_comes_back_and_everything_is_an_absent_message() -> None:
    where = TemplateFilter(("door-1", "door-2"), NOW, NOW + timedelta(hours=1), (("floor", "2"),))
    message = values.filter_message(where)
    assert message is not None
    assert values.read_filter(message) == where
    assert values.filter_message(EVERYTHING) is None
    assert values.read_filter(pb.TemplateFilter()) == EVERYTHING


def test_a_calibration_a_finding_and_a_change_come_back() -> None:
    threshold = Threshold(2, 0.25, ThresholdOrigin.CALIBRATED, NOW, 0.02, 0.01, 0.2, 0.3, 50)
    det = (OperatingPoint(0.2, 0.01, 0.5), OperatingPoint(0.3, 0.05, 0.25))
    fpir = Interval(0.01, 0.005, 0.02, 900)
    for tpir in (Interval(0.5, 0.25, 0.75, 100), None):
        report = CalibrationReport(threshold, tpir, fpir, det, 100, 1600, 400.0, 300, True, False)
        assert upkeep.read_calibrate(upkeep.calibrate_message(report)) == report
    for template_id in (uuid.uuid4(), None):
        finding = Finding(FindingKind.OUTLIER_TEMPLATE, ("ann", "bob"), 0.125, template_id, "gallery erase …")
        assert upkeep.read_finding(upkeep.finding_message(finding)) == finding
    change = Change(uuid.uuid4(), 7)
    assert upkeep.read_change(upkeep.change_message(change)) == change


def test_a_callers_own_strangers_arrive_as_they_were_sent() -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    cohort = Cohort("ab" * 32, vectors, ("x", "x", "y"))
    request = pb.CalibrateRequest(strangers=upkeep.cohort_messages(cohort), strangers_model_digest=cohort.model_digest)
    back = upkeep.read_cohort(request)
    assert back is not None
    assert (back.model_digest, back.people) == (cohort.model_digest, cohort.people)
    assert np.array_equal(back.embeddings, vectors)
    assert upkeep.read_cohort(pb.CalibrateRequest()) is None
    with pytest.raises(NotEnoughEvidence, match="no strangers"):  # and not those that are bundled
        upkeep.read_cohort(pb.CalibrateRequest(strangers_model_digest=cohort.model_digest))
    request.strangers[1].values.append(0.0)
    with pytest.raises(InvalidRequest, match="lengths from 8 to 9"):
        upkeep.read_cohort(request)


@pytest.mark.parametrize(
    ("words", "prefix"),
    [
        (ThresholdSource, "THRESHOLD_SOURCE"),
        (ThresholdOrigin, "THRESHOLD_ORIGIN"),
        (Outcome, "OUTCOME"),
        (QualityReason, "QUALITY_REASON"),
        (Fusion, "FUSION"),
        (OnConflict, "ON_CONFLICT"),
        (FindingKind, "FINDING_KIND"),
    ],
)
def test_every_word_of_the_domain_has_a_value_on_the_wire_and_no_value_is_without_a_word(
    words: type[StrEnum], prefix: str
) -> None:
    values_of = pb.DESCRIPTOR.enum_types_by_name[prefix.title().replace("_", "")].values_by_name
    assert set(values_of) == {f"{prefix}_{word.name}" for word in words} | {f"{prefix}_UNSPECIFIED"}
    for word in words:
        assert keeping.enum_message(word, prefix) == values_of[f"{prefix}_{word.name}"].number


def test_what_became_of_each_image_keeps_its_place_on_the_wire() -> None:
    bad = InvalidRegion("the region is empty", expected="a box")
    result = EnrolmentResult(
        (
            EnrolledTemplate(0, INFO, created=False),
            EnrolledTemplate(2, INFO, True, CLEAR, (Conflict("bob", 0.25, 0.5), Conflict("eve", 0.125, None))),
        ),
        (RefusedImage(1, bad),),
    )
    back = enrolment.read_enroll(enrolment.enroll_message(result))
    assert back.templates == result.templates
    assert [(refused.index, type(refused.error), str(refused.error)) for refused in back.refused] == [
        (1, InvalidRegion, str(bad))
    ]


def test_an_embedding_comes_back_bit_by_bit() -> None:
    vector = np.random.default_rng(0).normal(size=256).astype(np.float32)
    (embedded,) = values.read_embed(values.embed_message([Embedded(REGION, vector, "ab" * 32, POOR)]))
    assert (embedded.region, embedded.quality) == (REGION, POOR)
    assert np.array_equal(embedded.embedding, vector)


def test_a_number_of_zero_means_the_default_where_the_proto_says_so() -> None:
    assert (values.read_or(0, 5), values.read_or(3, 5)) == (5, 3)


def test_an_item_of_no_moment_is_refused_alone() -> None:
    image = pb.Image(content=b"x", context=pb.Context(capture_time=Timestamp(seconds=10**15)))
    item = pb.BulkEnrollRequest(item=pb.BulkEnrollItem(item_id="1", identity_id="ann", image=image))
    result = bulk.read_item(item)
    assert isinstance(result, BulkResult)
    assert isinstance(result.error, InvalidParameter)


def test_an_empty_region_and_a_mistyped_template_id_are_refused() -> None:
    with pytest.raises(InvalidRegion):
        values.read_image(pb.Image(content=b"x", regions=[pb.Region(x=1, y=1)]))
    with pytest.raises(InvalidIdentifier):
        values.read_template_id("not-a-uuid")


def test_every_exception_has_a_code_of_its_own_choosing() -> None:
    sent = [kind for kind in EVERY_ERROR if kind is not GalleryError and not issubclass(kind, CallFailed)]
    assert [kind for kind in sent if not any(ancestor in CODES for ancestor in kind.__mro__)] == []
    assert code_of(GalleryError) == code_pb2.INTERNAL


def test_the_tree_drawn_above_the_exceptions_is_the_tree_there_is() -> None:
    drawn = inspect.getdoc(errors) or ""
    for kind in EVERY_ERROR:
        assert kind.__name__ in drawn, f"{kind.__name__} is missing in the picture"
    assert len({kind.reason for kind in EVERY_ERROR}) == len(EVERY_ERROR)


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_every_refusal_comes_back_as_the_same_exception(kind: type[GalleryError]) -> None:
    error = (
        kind("full", retry_after=1.5)
        if issubclass(kind, Overloaded)
        else kind("it was wrong", expected="right", remedy="mend it", gallery_id="lobby")
    )
    back = error_of(status_of(error))
    assert type(back) is kind
    assert str(back) == error.told
    assert back.metadata == error.metadata
    assert getattr(back, "retry_after", None) == getattr(error, "retry_after", None)
