import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Metric(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    METRIC_UNSPECIFIED: _ClassVar[Metric]
    METRIC_COSINE: _ClassVar[Metric]

class ThresholdSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    THRESHOLD_SOURCE_UNSPECIFIED: _ClassVar[ThresholdSource]
    THRESHOLD_SOURCE_REQUEST: _ClassVar[ThresholdSource]
    THRESHOLD_SOURCE_GALLERY: _ClassVar[ThresholdSource]
    THRESHOLD_SOURCE_MODEL: _ClassVar[ThresholdSource]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_MATCH: _ClassVar[Outcome]
    OUTCOME_NO_MATCH: _ClassVar[Outcome]
    OUTCOME_AMBIGUOUS: _ClassVar[Outcome]
    OUTCOME_REJECTED: _ClassVar[Outcome]

class QualityReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUALITY_REASON_UNSPECIFIED: _ClassVar[QualityReason]
    QUALITY_REASON_TOO_SMALL: _ClassVar[QualityReason]
    QUALITY_REASON_BLURRED: _ClassVar[QualityReason]
    QUALITY_REASON_TOO_DARK: _ClassVar[QualityReason]
    QUALITY_REASON_TOO_BRIGHT: _ClassVar[QualityReason]
    QUALITY_REASON_LOW_CONTRAST: _ClassVar[QualityReason]
    QUALITY_REASON_UNLIKELY_SHAPE: _ClassVar[QualityReason]
    QUALITY_REASON_UNLIKE_A_PERSON: _ClassVar[QualityReason]

class Fusion(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FUSION_UNSPECIFIED: _ClassVar[Fusion]
    FUSION_BEST: _ClassVar[Fusion]
    FUSION_MEAN: _ClassVar[Fusion]
    FUSION_TOP_K: _ClassVar[Fusion]

class OnConflict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_CONFLICT_UNSPECIFIED: _ClassVar[OnConflict]
    ON_CONFLICT_ACCEPT: _ClassVar[OnConflict]
    ON_CONFLICT_WARN: _ClassVar[OnConflict]
    ON_CONFLICT_REFUSE: _ClassVar[OnConflict]

class ThresholdOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    THRESHOLD_ORIGIN_UNSPECIFIED: _ClassVar[ThresholdOrigin]
    THRESHOLD_ORIGIN_PINNED: _ClassVar[ThresholdOrigin]
    THRESHOLD_ORIGIN_CALIBRATED: _ClassVar[ThresholdOrigin]
    THRESHOLD_ORIGIN_MODEL: _ClassVar[ThresholdOrigin]

class FindingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_KIND_UNSPECIFIED: _ClassVar[FindingKind]
    FINDING_KIND_LIKELY_DUPLICATE: _ClassVar[FindingKind]
    FINDING_KIND_OUTLIER_TEMPLATE: _ClassVar[FindingKind]
    FINDING_KIND_INSEPARABLE: _ClassVar[FindingKind]
METRIC_UNSPECIFIED: Metric
METRIC_COSINE: Metric
THRESHOLD_SOURCE_UNSPECIFIED: ThresholdSource
THRESHOLD_SOURCE_REQUEST: ThresholdSource
THRESHOLD_SOURCE_GALLERY: ThresholdSource
THRESHOLD_SOURCE_MODEL: ThresholdSource
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_MATCH: Outcome
OUTCOME_NO_MATCH: Outcome
OUTCOME_AMBIGUOUS: Outcome
OUTCOME_REJECTED: Outcome
QUALITY_REASON_UNSPECIFIED: QualityReason
QUALITY_REASON_TOO_SMALL: QualityReason
QUALITY_REASON_BLURRED: QualityReason
QUALITY_REASON_TOO_DARK: QualityReason
QUALITY_REASON_TOO_BRIGHT: QualityReason
QUALITY_REASON_LOW_CONTRAST: QualityReason
QUALITY_REASON_UNLIKELY_SHAPE: QualityReason
QUALITY_REASON_UNLIKE_A_PERSON: QualityReason
FUSION_UNSPECIFIED: Fusion
FUSION_BEST: Fusion
FUSION_MEAN: Fusion
FUSION_TOP_K: Fusion
ON_CONFLICT_UNSPECIFIED: OnConflict
ON_CONFLICT_ACCEPT: OnConflict
ON_CONFLICT_WARN: OnConflict
ON_CONFLICT_REFUSE: OnConflict
THRESHOLD_ORIGIN_UNSPECIFIED: ThresholdOrigin
THRESHOLD_ORIGIN_PINNED: ThresholdOrigin
THRESHOLD_ORIGIN_CALIBRATED: ThresholdOrigin
THRESHOLD_ORIGIN_MODEL: ThresholdOrigin
FINDING_KIND_UNSPECIFIED: FindingKind
FINDING_KIND_LIKELY_DUPLICATE: FindingKind
FINDING_KIND_OUTLIER_TEMPLATE: FindingKind
FINDING_KIND_INSEPARABLE: FindingKind

class Image(_message.Message):
    __slots__ = ("content", "regions", "context")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    regions: _containers.RepeatedCompositeFieldContainer[Region]
    context: Context
    def __init__(self, content: _Optional[bytes] = ..., regions: _Optional[_Iterable[_Union[Region, _Mapping]]] = ..., context: _Optional[_Union[Context, _Mapping]] = ...) -> None: ...

class Context(_message.Message):
    __slots__ = ("camera_id", "capture_time", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    camera_id: str
    capture_time: _timestamp_pb2.Timestamp
    labels: _containers.ScalarMap[str, str]
    def __init__(self, camera_id: _Optional[str] = ..., capture_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class TemplateFilter(_message.Message):
    __slots__ = ("camera_ids", "captured_from", "captured_until", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_FROM_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    camera_ids: _containers.RepeatedScalarFieldContainer[str]
    captured_from: _timestamp_pb2.Timestamp
    captured_until: _timestamp_pb2.Timestamp
    labels: _containers.ScalarMap[str, str]
    def __init__(self, camera_ids: _Optional[_Iterable[str]] = ..., captured_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., captured_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Region(_message.Message):
    __slots__ = ("x", "y", "width", "height")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    width: int
    height: int
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class Quality(_message.Message):
    __slots__ = ("width", "height", "sharpness", "brightness", "contrast", "strangeness", "reasons")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SHARPNESS_FIELD_NUMBER: _ClassVar[int]
    BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    CONTRAST_FIELD_NUMBER: _ClassVar[int]
    STRANGENESS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    sharpness: float
    brightness: float
    contrast: float
    strangeness: float
    reasons: _containers.RepeatedScalarFieldContainer[QualityReason]
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., sharpness: _Optional[float] = ..., brightness: _Optional[float] = ..., contrast: _Optional[float] = ..., strangeness: _Optional[float] = ..., reasons: _Optional[_Iterable[_Union[QualityReason, str]]] = ...) -> None: ...

class QualityLimits(_message.Message):
    __slots__ = ("min_width", "min_height", "min_sharpness", "min_brightness", "max_brightness", "min_contrast", "min_aspect", "max_aspect", "max_strangeness")
    MIN_WIDTH_FIELD_NUMBER: _ClassVar[int]
    MIN_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MIN_SHARPNESS_FIELD_NUMBER: _ClassVar[int]
    MIN_BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    MAX_BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    MIN_CONTRAST_FIELD_NUMBER: _ClassVar[int]
    MIN_ASPECT_FIELD_NUMBER: _ClassVar[int]
    MAX_ASPECT_FIELD_NUMBER: _ClassVar[int]
    MAX_STRANGENESS_FIELD_NUMBER: _ClassVar[int]
    min_width: int
    min_height: int
    min_sharpness: float
    min_brightness: float
    max_brightness: float
    min_contrast: float
    min_aspect: float
    max_aspect: float
    max_strangeness: float
    def __init__(self, min_width: _Optional[int] = ..., min_height: _Optional[int] = ..., min_sharpness: _Optional[float] = ..., min_brightness: _Optional[float] = ..., max_brightness: _Optional[float] = ..., min_contrast: _Optional[float] = ..., min_aspect: _Optional[float] = ..., max_aspect: _Optional[float] = ..., max_strangeness: _Optional[float] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("fusion", "enrolment_quality", "probe_quality", "on_conflict", "template_lifetime", "recalibrate_at_growth")
    FUSION_FIELD_NUMBER: _ClassVar[int]
    ENROLMENT_QUALITY_FIELD_NUMBER: _ClassVar[int]
    PROBE_QUALITY_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_LIFETIME_FIELD_NUMBER: _ClassVar[int]
    RECALIBRATE_AT_GROWTH_FIELD_NUMBER: _ClassVar[int]
    fusion: Fusion
    enrolment_quality: QualityLimits
    probe_quality: QualityLimits
    on_conflict: OnConflict
    template_lifetime: _duration_pb2.Duration
    recalibrate_at_growth: float
    def __init__(self, fusion: _Optional[_Union[Fusion, str]] = ..., enrolment_quality: _Optional[_Union[QualityLimits, _Mapping]] = ..., probe_quality: _Optional[_Union[QualityLimits, _Mapping]] = ..., on_conflict: _Optional[_Union[OnConflict, str]] = ..., template_lifetime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., recalibrate_at_growth: _Optional[float] = ...) -> None: ...

class Threshold(_message.Message):
    __slots__ = ("version", "value", "origin", "set_time", "margin", "target_fpir", "low", "high", "identity_count")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SET_TIME_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    TARGET_FPIR_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_COUNT_FIELD_NUMBER: _ClassVar[int]
    version: int
    value: float
    origin: ThresholdOrigin
    set_time: _timestamp_pb2.Timestamp
    margin: float
    target_fpir: float
    low: float
    high: float
    identity_count: int
    def __init__(self, version: _Optional[int] = ..., value: _Optional[float] = ..., origin: _Optional[_Union[ThresholdOrigin, str]] = ..., set_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., margin: _Optional[float] = ..., target_fpir: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., identity_count: _Optional[int] = ...) -> None: ...

class Basis(_message.Message):
    __slots__ = ("threshold", "threshold_source", "metric", "model_digest", "margin", "threshold_version", "target_fpir")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_SOURCE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FPIR_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    threshold_source: ThresholdSource
    metric: Metric
    model_digest: str
    margin: float
    threshold_version: int
    target_fpir: float
    def __init__(self, threshold: _Optional[float] = ..., threshold_source: _Optional[_Union[ThresholdSource, str]] = ..., metric: _Optional[_Union[Metric, str]] = ..., model_digest: _Optional[str] = ..., margin: _Optional[float] = ..., threshold_version: _Optional[int] = ..., target_fpir: _Optional[float] = ...) -> None: ...

class Gallery(_message.Message):
    __slots__ = ("gallery_id", "model_name", "model_digest", "dimension", "create_time", "thresholds", "policy")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    model_name: str
    model_digest: str
    dimension: int
    create_time: _timestamp_pb2.Timestamp
    thresholds: _containers.RepeatedCompositeFieldContainer[Threshold]
    policy: Policy
    def __init__(self, gallery_id: _Optional[str] = ..., model_name: _Optional[str] = ..., model_digest: _Optional[str] = ..., dimension: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., thresholds: _Optional[_Iterable[_Union[Threshold, _Mapping]]] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ...) -> None: ...

class Template(_message.Message):
    __slots__ = ("template_id", "identity_id", "model_digest", "image_digest", "region", "enroll_time", "context", "expire_time")
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    ENROLL_TIME_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    template_id: str
    identity_id: str
    model_digest: str
    image_digest: str
    region: Region
    enroll_time: _timestamp_pb2.Timestamp
    context: Context
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, template_id: _Optional[str] = ..., identity_id: _Optional[str] = ..., model_digest: _Optional[str] = ..., image_digest: _Optional[str] = ..., region: _Optional[_Union[Region, _Mapping]] = ..., enroll_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., context: _Optional[_Union[Context, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("identity_id", "distance", "template_id")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    distance: float
    template_id: str
    def __init__(self, identity_id: _Optional[str] = ..., distance: _Optional[float] = ..., template_id: _Optional[str] = ...) -> None: ...

class Identification(_message.Message):
    __slots__ = ("region", "matched", "candidates", "outcome", "margin", "quality")
    REGION_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    region: Region
    matched: bool
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    outcome: Outcome
    margin: float
    quality: Quality
    def __init__(self, region: _Optional[_Union[Region, _Mapping]] = ..., matched: _Optional[bool] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., margin: _Optional[float] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ...) -> None: ...

class CreateGalleryRequest(_message.Message):
    __slots__ = ("gallery_id", "threshold", "policy")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    threshold: float
    policy: Policy
    def __init__(self, gallery_id: _Optional[str] = ..., threshold: _Optional[float] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ...) -> None: ...

class CreateGalleryResponse(_message.Message):
    __slots__ = ("gallery",)
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    gallery: Gallery
    def __init__(self, gallery: _Optional[_Union[Gallery, _Mapping]] = ...) -> None: ...

class GetGalleryRequest(_message.Message):
    __slots__ = ("gallery_id",)
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    def __init__(self, gallery_id: _Optional[str] = ...) -> None: ...

class GetGalleryResponse(_message.Message):
    __slots__ = ("gallery",)
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    gallery: Gallery
    def __init__(self, gallery: _Optional[_Union[Gallery, _Mapping]] = ...) -> None: ...

class ListGalleriesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListGalleriesResponse(_message.Message):
    __slots__ = ("galleries", "next_page_token")
    GALLERIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    galleries: _containers.RepeatedCompositeFieldContainer[Gallery]
    next_page_token: str
    def __init__(self, galleries: _Optional[_Iterable[_Union[Gallery, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteGalleryRequest(_message.Message):
    __slots__ = ("gallery_id",)
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    def __init__(self, gallery_id: _Optional[str] = ...) -> None: ...

class ErasureReceipt(_message.Message):
    __slots__ = ("receipt_id", "erase_time", "template_count")
    RECEIPT_ID_FIELD_NUMBER: _ClassVar[int]
    ERASE_TIME_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    receipt_id: str
    erase_time: _timestamp_pb2.Timestamp
    template_count: int
    def __init__(self, receipt_id: _Optional[str] = ..., erase_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., template_count: _Optional[int] = ...) -> None: ...

class DeleteGalleryResponse(_message.Message):
    __slots__ = ("deleted_template_count", "receipt")
    DELETED_TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    deleted_template_count: int
    receipt: ErasureReceipt
    def __init__(self, deleted_template_count: _Optional[int] = ..., receipt: _Optional[_Union[ErasureReceipt, _Mapping]] = ...) -> None: ...

class EnrollRequest(_message.Message):
    __slots__ = ("gallery_id", "identity_id", "images", "all_or_nothing")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    ALL_OR_NOTHING_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    identity_id: str
    images: _containers.RepeatedCompositeFieldContainer[Image]
    all_or_nothing: bool
    def __init__(self, gallery_id: _Optional[str] = ..., identity_id: _Optional[str] = ..., images: _Optional[_Iterable[_Union[Image, _Mapping]]] = ..., all_or_nothing: _Optional[bool] = ...) -> None: ...

class EnrollResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EnrollResult]
    def __init__(self, results: _Optional[_Iterable[_Union[EnrollResult, _Mapping]]] = ...) -> None: ...

class EnrollResult(_message.Message):
    __slots__ = ("template", "error")
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    template: EnrolledTemplate
    error: _status_pb2.Status
    def __init__(self, template: _Optional[_Union[EnrolledTemplate, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class EnrolledTemplate(_message.Message):
    __slots__ = ("template", "created", "quality", "conflicts")
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    template: Template
    created: bool
    quality: Quality
    conflicts: _containers.RepeatedCompositeFieldContainer[Conflict]
    def __init__(self, template: _Optional[_Union[Template, _Mapping]] = ..., created: _Optional[bool] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ..., conflicts: _Optional[_Iterable[_Union[Conflict, _Mapping]]] = ...) -> None: ...

class Conflict(_message.Message):
    __slots__ = ("identity_id", "distance", "own_distance")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    OWN_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    distance: float
    own_distance: float
    def __init__(self, identity_id: _Optional[str] = ..., distance: _Optional[float] = ..., own_distance: _Optional[float] = ...) -> None: ...

class IdentifyRequest(_message.Message):
    __slots__ = ("gallery_id", "image", "max_candidates", "threshold", "filter")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    image: Image
    max_candidates: int
    threshold: float
    filter: TemplateFilter
    def __init__(self, gallery_id: _Optional[str] = ..., image: _Optional[_Union[Image, _Mapping]] = ..., max_candidates: _Optional[int] = ..., threshold: _Optional[float] = ..., filter: _Optional[_Union[TemplateFilter, _Mapping]] = ...) -> None: ...

class IdentifyResponse(_message.Message):
    __slots__ = ("identifications", "basis")
    IDENTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    identifications: _containers.RepeatedCompositeFieldContainer[Identification]
    basis: Basis
    def __init__(self, identifications: _Optional[_Iterable[_Union[Identification, _Mapping]]] = ..., basis: _Optional[_Union[Basis, _Mapping]] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("image", "identity_id", "reference_image", "gallery_id", "threshold")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    image: Image
    identity_id: str
    reference_image: Image
    gallery_id: str
    threshold: float
    def __init__(self, image: _Optional[_Union[Image, _Mapping]] = ..., identity_id: _Optional[str] = ..., reference_image: _Optional[_Union[Image, _Mapping]] = ..., gallery_id: _Optional[str] = ..., threshold: _Optional[float] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("matched", "distance", "basis", "outcome", "quality")
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    matched: bool
    distance: float
    basis: Basis
    outcome: Outcome
    quality: Quality
    def __init__(self, matched: _Optional[bool] = ..., distance: _Optional[float] = ..., basis: _Optional[_Union[Basis, _Mapping]] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ...) -> None: ...

class EmbedRequest(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: Image
    def __init__(self, image: _Optional[_Union[Image, _Mapping]] = ...) -> None: ...

class EmbedResponse(_message.Message):
    __slots__ = ("embeddings", "model_digest")
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    embeddings: _containers.RepeatedCompositeFieldContainer[Embedding]
    model_digest: str
    def __init__(self, embeddings: _Optional[_Iterable[_Union[Embedding, _Mapping]]] = ..., model_digest: _Optional[str] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("region", "values", "quality")
    REGION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    region: Region
    values: _containers.RepeatedScalarFieldContainer[float]
    quality: Quality
    def __init__(self, region: _Optional[_Union[Region, _Mapping]] = ..., values: _Optional[_Iterable[float]] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ...) -> None: ...

class GetIdentityRequest(_message.Message):
    __slots__ = ("gallery_id", "identity_id")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    identity_id: str
    def __init__(self, gallery_id: _Optional[str] = ..., identity_id: _Optional[str] = ...) -> None: ...

class GetIdentityResponse(_message.Message):
    __slots__ = ("identity_id", "templates")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    templates: _containers.RepeatedCompositeFieldContainer[Template]
    def __init__(self, identity_id: _Optional[str] = ..., templates: _Optional[_Iterable[_Union[Template, _Mapping]]] = ...) -> None: ...

class ListIdentitiesRequest(_message.Message):
    __slots__ = ("gallery_id", "page_size", "page_token", "filter")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    page_size: int
    page_token: str
    filter: TemplateFilter
    def __init__(self, gallery_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[TemplateFilter, _Mapping]] = ...) -> None: ...

class ListIdentitiesResponse(_message.Message):
    __slots__ = ("identities", "next_page_token")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    identities: _containers.RepeatedCompositeFieldContainer[IdentitySummary]
    next_page_token: str
    def __init__(self, identities: _Optional[_Iterable[_Union[IdentitySummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class IdentitySummary(_message.Message):
    __slots__ = ("identity_id", "template_count")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    template_count: int
    def __init__(self, identity_id: _Optional[str] = ..., template_count: _Optional[int] = ...) -> None: ...

class DeleteIdentityRequest(_message.Message):
    __slots__ = ("gallery_id", "identity_id")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    identity_id: str
    def __init__(self, gallery_id: _Optional[str] = ..., identity_id: _Optional[str] = ...) -> None: ...

class DeleteIdentityResponse(_message.Message):
    __slots__ = ("deleted_template_count", "receipt")
    DELETED_TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    deleted_template_count: int
    receipt: ErasureReceipt
    def __init__(self, deleted_template_count: _Optional[int] = ..., receipt: _Optional[_Union[ErasureReceipt, _Mapping]] = ...) -> None: ...

class DeleteTemplateRequest(_message.Message):
    __slots__ = ("gallery_id", "template_id")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    template_id: str
    def __init__(self, gallery_id: _Optional[str] = ..., template_id: _Optional[str] = ...) -> None: ...

class DeleteTemplateResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: ErasureReceipt
    def __init__(self, receipt: _Optional[_Union[ErasureReceipt, _Mapping]] = ...) -> None: ...

class UpdateGalleryRequest(_message.Message):
    __slots__ = ("gallery_id", "pinned_threshold", "model_threshold", "policy")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    PINNED_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MODEL_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    pinned_threshold: float
    model_threshold: bool
    policy: Policy
    def __init__(self, gallery_id: _Optional[str] = ..., pinned_threshold: _Optional[float] = ..., model_threshold: _Optional[bool] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ...) -> None: ...

class UpdateGalleryResponse(_message.Message):
    __slots__ = ("gallery",)
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    gallery: Gallery
    def __init__(self, gallery: _Optional[_Union[Gallery, _Mapping]] = ...) -> None: ...

class CalibrateRequest(_message.Message):
    __slots__ = ("gallery_id", "target_fpir", "strangers", "strangers_model_digest", "filter", "dry_run")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FPIR_FIELD_NUMBER: _ClassVar[int]
    STRANGERS_FIELD_NUMBER: _ClassVar[int]
    STRANGERS_MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    target_fpir: float
    strangers: _containers.RepeatedCompositeFieldContainer[StrangerEmbedding]
    strangers_model_digest: str
    filter: TemplateFilter
    dry_run: bool
    def __init__(self, gallery_id: _Optional[str] = ..., target_fpir: _Optional[float] = ..., strangers: _Optional[_Iterable[_Union[StrangerEmbedding, _Mapping]]] = ..., strangers_model_digest: _Optional[str] = ..., filter: _Optional[_Union[TemplateFilter, _Mapping]] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class StrangerEmbedding(_message.Message):
    __slots__ = ("person", "values")
    PERSON_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    person: str
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, person: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class CalibrateResponse(_message.Message):
    __slots__ = ("threshold", "tpir", "fpir", "det", "stranger_people", "stranger_images", "effective_strangers", "strangers_needed", "sufficient", "applied")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TPIR_FIELD_NUMBER: _ClassVar[int]
    FPIR_FIELD_NUMBER: _ClassVar[int]
    DET_FIELD_NUMBER: _ClassVar[int]
    STRANGER_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    STRANGER_IMAGES_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_STRANGERS_FIELD_NUMBER: _ClassVar[int]
    STRANGERS_NEEDED_FIELD_NUMBER: _ClassVar[int]
    SUFFICIENT_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    threshold: Threshold
    tpir: Interval
    fpir: Interval
    det: _containers.RepeatedCompositeFieldContainer[OperatingPoint]
    stranger_people: int
    stranger_images: int
    effective_strangers: float
    strangers_needed: int
    sufficient: bool
    applied: bool
    def __init__(self, threshold: _Optional[_Union[Threshold, _Mapping]] = ..., tpir: _Optional[_Union[Interval, _Mapping]] = ..., fpir: _Optional[_Union[Interval, _Mapping]] = ..., det: _Optional[_Iterable[_Union[OperatingPoint, _Mapping]]] = ..., stranger_people: _Optional[int] = ..., stranger_images: _Optional[int] = ..., effective_strangers: _Optional[float] = ..., strangers_needed: _Optional[int] = ..., sufficient: _Optional[bool] = ..., applied: _Optional[bool] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("value", "low", "high", "count")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    value: float
    low: float
    high: float
    count: int
    def __init__(self, value: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., count: _Optional[int] = ...) -> None: ...

class OperatingPoint(_message.Message):
    __slots__ = ("threshold", "fpir", "fnir")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FPIR_FIELD_NUMBER: _ClassVar[int]
    FNIR_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    fpir: float
    fnir: float
    def __init__(self, threshold: _Optional[float] = ..., fpir: _Optional[float] = ..., fnir: _Optional[float] = ...) -> None: ...

class DiagnoseRequest(_message.Message):
    __slots__ = ("gallery_id",)
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    def __init__(self, gallery_id: _Optional[str] = ...) -> None: ...

class DiagnoseResponse(_message.Message):
    __slots__ = ("findings",)
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    def __init__(self, findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("kind", "identity_ids", "distance", "template_id", "command")
    KIND_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_IDS_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    kind: FindingKind
    identity_ids: _containers.RepeatedScalarFieldContainer[str]
    distance: float
    template_id: str
    command: str
    def __init__(self, kind: _Optional[_Union[FindingKind, str]] = ..., identity_ids: _Optional[_Iterable[str]] = ..., distance: _Optional[float] = ..., template_id: _Optional[str] = ..., command: _Optional[str] = ...) -> None: ...

class MergeIdentitiesRequest(_message.Message):
    __slots__ = ("gallery_id", "identity_id", "merged_identity_id")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    MERGED_IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    identity_id: str
    merged_identity_id: str
    def __init__(self, gallery_id: _Optional[str] = ..., identity_id: _Optional[str] = ..., merged_identity_id: _Optional[str] = ...) -> None: ...

class MergeIdentitiesResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: Change
    def __init__(self, change: _Optional[_Union[Change, _Mapping]] = ...) -> None: ...

class SplitIdentityRequest(_message.Message):
    __slots__ = ("gallery_id", "identity_id", "template_ids", "new_identity_id")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_IDS_FIELD_NUMBER: _ClassVar[int]
    NEW_IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    identity_id: str
    template_ids: _containers.RepeatedScalarFieldContainer[str]
    new_identity_id: str
    def __init__(self, gallery_id: _Optional[str] = ..., identity_id: _Optional[str] = ..., template_ids: _Optional[_Iterable[str]] = ..., new_identity_id: _Optional[str] = ...) -> None: ...

class SplitIdentityResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: Change
    def __init__(self, change: _Optional[_Union[Change, _Mapping]] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("change_id", "moved_template_count")
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    MOVED_TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    change_id: str
    moved_template_count: int
    def __init__(self, change_id: _Optional[str] = ..., moved_template_count: _Optional[int] = ...) -> None: ...

class UndoChangeRequest(_message.Message):
    __slots__ = ("gallery_id", "change_id")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    change_id: str
    def __init__(self, gallery_id: _Optional[str] = ..., change_id: _Optional[str] = ...) -> None: ...

class UndoChangeResponse(_message.Message):
    __slots__ = ("moved_template_count",)
    MOVED_TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    moved_template_count: int
    def __init__(self, moved_template_count: _Optional[int] = ...) -> None: ...

class IdentifyStreamRequest(_message.Message):
    __slots__ = ("options", "probe", "end_track")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    END_TRACK_FIELD_NUMBER: _ClassVar[int]
    options: IdentifyStreamOptions
    probe: StreamProbe
    end_track: EndTrack
    def __init__(self, options: _Optional[_Union[IdentifyStreamOptions, _Mapping]] = ..., probe: _Optional[_Union[StreamProbe, _Mapping]] = ..., end_track: _Optional[_Union[EndTrack, _Mapping]] = ...) -> None: ...

class IdentifyStreamOptions(_message.Message):
    __slots__ = ("gallery_id", "max_candidates", "threshold", "filter")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    max_candidates: int
    threshold: float
    filter: TemplateFilter
    def __init__(self, gallery_id: _Optional[str] = ..., max_candidates: _Optional[int] = ..., threshold: _Optional[float] = ..., filter: _Optional[_Union[TemplateFilter, _Mapping]] = ...) -> None: ...

class StreamProbe(_message.Message):
    __slots__ = ("item_id", "image", "track_ids")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TRACK_IDS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    image: Image
    track_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, item_id: _Optional[str] = ..., image: _Optional[_Union[Image, _Mapping]] = ..., track_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class EndTrack(_message.Message):
    __slots__ = ("item_id", "track_id")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TRACK_ID_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    track_id: str
    def __init__(self, item_id: _Optional[str] = ..., track_id: _Optional[str] = ...) -> None: ...

class IdentifyStreamResponse(_message.Message):
    __slots__ = ("item_id", "response", "error", "tracks")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    response: IdentifyResponse
    error: _status_pb2.Status
    tracks: _containers.RepeatedCompositeFieldContainer[TrackDecision]
    def __init__(self, item_id: _Optional[str] = ..., response: _Optional[_Union[IdentifyResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., tracks: _Optional[_Iterable[_Union[TrackDecision, _Mapping]]] = ...) -> None: ...

class TrackDecision(_message.Message):
    __slots__ = ("track_id", "identification", "image_count", "stable_time")
    TRACK_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTIFICATION_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    STABLE_TIME_FIELD_NUMBER: _ClassVar[int]
    track_id: str
    identification: Identification
    image_count: int
    stable_time: _timestamp_pb2.Timestamp
    def __init__(self, track_id: _Optional[str] = ..., identification: _Optional[_Union[Identification, _Mapping]] = ..., image_count: _Optional[int] = ..., stable_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BulkEnrollRequest(_message.Message):
    __slots__ = ("options", "item")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    options: BulkEnrollOptions
    item: BulkEnrollItem
    def __init__(self, options: _Optional[_Union[BulkEnrollOptions, _Mapping]] = ..., item: _Optional[_Union[BulkEnrollItem, _Mapping]] = ...) -> None: ...

class BulkEnrollOptions(_message.Message):
    __slots__ = ("gallery_id",)
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    def __init__(self, gallery_id: _Optional[str] = ...) -> None: ...

class BulkEnrollItem(_message.Message):
    __slots__ = ("item_id", "identity_id", "image")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    identity_id: str
    image: Image
    def __init__(self, item_id: _Optional[str] = ..., identity_id: _Optional[str] = ..., image: _Optional[_Union[Image, _Mapping]] = ...) -> None: ...

class BulkEnrollResponse(_message.Message):
    __slots__ = ("item_id", "template", "error")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    template: EnrolledTemplate
    error: _status_pb2.Status
    def __init__(self, item_id: _Optional[str] = ..., template: _Optional[_Union[EnrolledTemplate, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class ExportGalleryRequest(_message.Message):
    __slots__ = ("gallery_id", "after_template_id")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    after_template_id: str
    def __init__(self, gallery_id: _Optional[str] = ..., after_template_id: _Optional[str] = ...) -> None: ...

class ExportGalleryResponse(_message.Message):
    __slots__ = ("gallery_record", "erasure_records", "templates")
    GALLERY_RECORD_FIELD_NUMBER: _ClassVar[int]
    ERASURE_RECORDS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    gallery_record: bytes
    erasure_records: _containers.RepeatedScalarFieldContainer[bytes]
    templates: bytes
    def __init__(self, gallery_record: _Optional[bytes] = ..., erasure_records: _Optional[_Iterable[bytes]] = ..., templates: _Optional[bytes] = ...) -> None: ...
