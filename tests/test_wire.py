import inspect
import uuid
from datetime import UTC, datetime

import numpy as np
import pytest
from google.rpc import code_pb2

from gallery import errors
from gallery.domain import (
    Basis,
    Candidate,
    Embedded,
    EncodedImage,
    EnrolledTemplate,
    EnrolmentResult,
    Gallery,
    Identification,
    Identity,
    IdentitySummary,
    RefusedImage,
    Region,
    TemplateInfo,
    ThresholdSource,
    Verification,
)
from gallery.errors import CallFailed, GalleryError, InvalidIdentifier, InvalidRegion, Overloaded
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire import values
from gallery.wire.status import CODES, code_of, error_of, status_of, subclasses

NOW = datetime(2026, 11, 22, 13, 37, 0, 123456, tzinfo=UTC)
BASIS = Basis(0.25, ThresholdSource.GALLERY, "ab" * 32)
REGION = Region(0, 3, 64, 128)
INFO = TemplateInfo(uuid.uuid4(), "ann", "ab" * 32, "cd" * 32, NOW, REGION)
EVERY_ERROR = [kind for kind in subclasses(GalleryError) if kind.__module__ == errors.__name__]


def test_every_value_comes_back_from_the_wire_as_it_went() -> None:
    gallery = Gallery("lobby", "ab" * 32, "net", 256, NOW, 0.0)
    image = EncodedImage(b"jpeg", (REGION, Region(5, 6, 7, 8)))
    people = (
        Identification(REGION, True, (Candidate("ann", 0.125, uuid.uuid4()),), BASIS),
        Identification(None, False, (), BASIS),
    )
    whole = TemplateInfo(uuid.uuid4(), "bob", "ab" * 32, "cd" * 32, NOW)
    assert values.read_gallery(values.gallery_message(gallery)) == gallery
    assert values.read_image(values.image_message(image)) == image
    assert values.read_identify(values.identify_message(people)) == people
    for info in (INFO, whole):
        assert values.read_template(values.template_message(info)) == info
    verification = Verification(True, 0.5, BASIS)
    assert values.read_verify(values.verify_message(verification)) == verification
    identity = Identity("ann", (INFO, INFO))
    assert values.read_identity(values.identity_message(identity)) == identity
    summary = IdentitySummary("ann", 3)
    assert values.read_summary(values.summary_message(summary)) == summary


def test_what_became_of_each_image_keeps_its_place_on_the_wire() -> None:
    bad = InvalidRegion("the region is empty", expected="a box")
    result = EnrolmentResult(
        (EnrolledTemplate(0, INFO, created=False), EnrolledTemplate(2, INFO, created=True)), (RefusedImage(1, bad),)
    )
    back = values.read_enroll(values.enroll_message(result))
    assert back.templates == result.templates
    assert [(refused.index, type(refused.error), str(refused.error)) for refused in back.refused] == [
        (1, InvalidRegion, str(bad))
    ]


def test_an_embedding_comes_back_bit_by_bit() -> None:
    vector = np.random.default_rng(0).normal(size=256).astype(np.float32)
    (embedded,) = values.read_embed(values.embed_message([Embedded(REGION, vector, "ab" * 32)]))
    assert embedded.region == REGION
    assert np.array_equal(embedded.embedding, vector)


def test_a_threshold_of_zero_differs_from_an_absent_one() -> None:
    absent = Gallery("lobby", "ab" * 32, "net", 256, NOW)
    assert values.read_gallery(values.gallery_message(absent)).threshold is None
    assert values.read_or(0, 5) == 5


@pytest.mark.parametrize("source", ThresholdSource)
def test_every_threshold_source_has_a_word_on_the_wire(source: ThresholdSource) -> None:
    basis = Basis(0.1, source, "ab" * 32)
    assert values.read_basis(values.basis_message(basis)) == basis


def test_an_empty_region_and_a_mistyped_template_id_are_refused() -> None:
    with pytest.raises(InvalidRegion):
        values.read_image(pb.Image(content=b"x", regions=[pb.Region(x=1, y=1)]))
    with pytest.raises(InvalidIdentifier):
        values.read_template_id("not-a-uuid")


def test_every_exception_has_a_code_of_its_own_choosing() -> None:
    sent = [kind for kind in EVERY_ERROR if kind is not GalleryError and not issubclass(kind, CallFailed)]
    assert {code_of(kind) for kind in sent} <= set(CODES.values())
    assert code_pb2.INTERNAL not in CODES.values()


def test_the_tree_drawn_above_the_exceptions_is_the_tree_there_is() -> None:
    drawn = inspect.getdoc(errors) or ""
    for kind in EVERY_ERROR:
        assert kind.__name__ in drawn, f"{kind.__name__} is missing in the picture"
    assert len({kind.reason for kind in EVERY_ERROR}) == len(EVERY_ERROR)


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_every_refusal_comes_back_as_the_same_exception(kind: type[GalleryError]) -> None:
    error = (
        Overloaded("full", retry_after=1.5)
        if kind is Overloaded
        else kind("it was wrong", expected="right", remedy="mend it", gallery_id="lobby")
    )
    back = error_of(status_of(error))
    assert type(back) is kind
    assert str(back) == str(error)
    assert back.metadata == error.metadata
    assert getattr(back, "retry_after", None) == getattr(error, "retry_after", None)
