import datetime

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
METRIC_UNSPECIFIED: Metric
METRIC_COSINE: Metric
THRESHOLD_SOURCE_UNSPECIFIED: ThresholdSource
THRESHOLD_SOURCE_REQUEST: ThresholdSource
THRESHOLD_SOURCE_GALLERY: ThresholdSource
THRESHOLD_SOURCE_MODEL: ThresholdSource

class Image(_message.Message):
    __slots__ = ("content", "regions")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    regions: _containers.RepeatedCompositeFieldContainer[Region]
    def __init__(self, content: _Optional[bytes] = ..., regions: _Optional[_Iterable[_Union[Region, _Mapping]]] = ...) -> None: ...

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

class Basis(_message.Message):
    __slots__ = ("threshold", "threshold_source", "metric", "model_digest")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_SOURCE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    threshold_source: ThresholdSource
    metric: Metric
    model_digest: str
    def __init__(self, threshold: _Optional[float] = ..., threshold_source: _Optional[_Union[ThresholdSource, str]] = ..., metric: _Optional[_Union[Metric, str]] = ..., model_digest: _Optional[str] = ...) -> None: ...

class Gallery(_message.Message):
    __slots__ = ("gallery_id", "model_name", "model_digest", "dimension", "create_time", "threshold")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    model_name: str
    model_digest: str
    dimension: int
    create_time: _timestamp_pb2.Timestamp
    threshold: float
    def __init__(self, gallery_id: _Optional[str] = ..., model_name: _Optional[str] = ..., model_digest: _Optional[str] = ..., dimension: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., threshold: _Optional[float] = ...) -> None: ...

class Template(_message.Message):
    __slots__ = ("template_id", "identity_id", "model_digest", "image_digest", "region", "enroll_time")
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    ENROLL_TIME_FIELD_NUMBER: _ClassVar[int]
    template_id: str
    identity_id: str
    model_digest: str
    image_digest: str
    region: Region
    enroll_time: _timestamp_pb2.Timestamp
    def __init__(self, template_id: _Optional[str] = ..., identity_id: _Optional[str] = ..., model_digest: _Optional[str] = ..., image_digest: _Optional[str] = ..., region: _Optional[_Union[Region, _Mapping]] = ..., enroll_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("region", "matched", "candidates")
    REGION_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    region: Region
    matched: bool
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    def __init__(self, region: _Optional[_Union[Region, _Mapping]] = ..., matched: _Optional[bool] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ...) -> None: ...

class CreateGalleryRequest(_message.Message):
    __slots__ = ("gallery_id", "threshold")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    threshold: float
    def __init__(self, gallery_id: _Optional[str] = ..., threshold: _Optional[float] = ...) -> None: ...

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

class DeleteGalleryResponse(_message.Message):
    __slots__ = ("deleted_template_count",)
    DELETED_TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    deleted_template_count: int
    def __init__(self, deleted_template_count: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("template", "created")
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    template: Template
    created: bool
    def __init__(self, template: _Optional[_Union[Template, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class IdentifyRequest(_message.Message):
    __slots__ = ("gallery_id", "image", "max_candidates", "threshold")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    image: Image
    max_candidates: int
    threshold: float
    def __init__(self, gallery_id: _Optional[str] = ..., image: _Optional[_Union[Image, _Mapping]] = ..., max_candidates: _Optional[int] = ..., threshold: _Optional[float] = ...) -> None: ...

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
    __slots__ = ("matched", "distance", "basis")
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    matched: bool
    distance: float
    basis: Basis
    def __init__(self, matched: _Optional[bool] = ..., distance: _Optional[float] = ..., basis: _Optional[_Union[Basis, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("region", "values")
    REGION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    region: Region
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, region: _Optional[_Union[Region, _Mapping]] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

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
    __slots__ = ("gallery_id", "page_size", "page_token")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    page_size: int
    page_token: str
    def __init__(self, gallery_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("deleted_template_count",)
    DELETED_TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    deleted_template_count: int
    def __init__(self, deleted_template_count: _Optional[int] = ...) -> None: ...

class DeleteTemplateRequest(_message.Message):
    __slots__ = ("gallery_id", "template_id")
    GALLERY_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    gallery_id: str
    template_id: str
    def __init__(self, gallery_id: _Optional[str] = ..., template_id: _Optional[str] = ...) -> None: ...

class DeleteTemplateResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
