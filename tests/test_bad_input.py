"""All that a caller can get wrong, tried on a real server: its code, its reason, a sentence, a server that lives."""

import asyncio
import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import cv2
import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from gallery.errors import GalleryError, InvalidParameter, StoreUnavailable
from gallery.server import running
from gallery.settings import Settings
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub
from tests.pictures import png_of
from tests.served import served, settings_for

GOOD = png_of(1, height=128, width=64)
JPEG = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (128, 64, 3), dtype=np.uint8))[1].tobytes()
HUGE_CLAIM = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 30000, 30000, 8, 2, 0, 0, 0)


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory, model_file: Path, other_model_file: Path) -> Iterator[Any]:
    """A server whose store has a gallery of its own model, with one person, and one of another model."""
    folder = tmp_path_factory.mktemp("bad-input")
    with served(settings_for(folder, other_model_file)) as address, grpc.insecure_channel(address) as channel:
        GalleryServiceStub(channel).CreateGallery(pb.CreateGalleryRequest(gallery_id="foreign"))
    with served(settings_for(folder, model_file)) as address, grpc.insecure_channel(address) as channel:
        stub: Any = GalleryServiceStub(channel)
        stub.CreateGallery(pb.CreateGalleryRequest(gallery_id="lobby"))
        stub.Enroll(pb.EnrollRequest(gallery_id="lobby", identity_id="ann", images=[pb.Image(content=GOOD)]))
        yield stub


def identify(content: bytes, *regions: pb.Region, gallery_id: str = "lobby", threshold: float | None = None) -> Message:
    image = pb.Image(content=content, regions=regions)
    return pb.IdentifyRequest(gallery_id=gallery_id, image=image, threshold=threshold)


def enroll(identity_id: str) -> Message:
    return pb.EnrollRequest(gallery_id="lobby", identity_id=identity_id, images=[pb.Image(content=GOOD)])


def listing(page_token: str) -> Message:
    return pb.ListIdentitiesRequest(gallery_id="lobby", page_token=page_token)


CASES: dict[str, tuple[str, Message, str, str]] = {
    "empty bytes": ("Identify", identify(b""), "INVALID_ARGUMENT", "INVALID_IMAGE"),
    "text": ("Identify", identify(b"this is a text"), "INVALID_ARGUMENT", "INVALID_IMAGE"),
    "a JPEG cut short": ("Identify", identify(JPEG[: len(JPEG) // 2]), "INVALID_ARGUMENT", "INVALID_IMAGE"),
    "a claim of 30000x30000": ("Identify", identify(HUGE_CLAIM), "INVALID_ARGUMENT", "IMAGE_TOO_LARGE"),
    "a GIF": ("Identify", identify(b"GIF89a" + bytes(99)), "INVALID_ARGUMENT", "INVALID_IMAGE"),
    "too many bytes": ("Identify", identify(bytes(11 * 2**20)), "INVALID_ARGUMENT", "IMAGE_TOO_LARGE"),
    "a region outside": (
        "Identify",
        identify(GOOD, pb.Region(x=64, y=0, width=5, height=5)),
        "INVALID_ARGUMENT",
        "INVALID_REGION",
    ),
    "an empty region": ("Identify", identify(GOOD, pb.Region(x=1, y=1)), "INVALID_ARGUMENT", "INVALID_REGION"),
    "too many regions": (
        "Identify",
        identify(GOOD, *[pb.Region(width=5, height=5)] * 65),
        "INVALID_ARGUMENT",
        "INVALID_REGION",
    ),
    "an unknown gallery": ("Identify", identify(GOOD, gallery_id="nowhere"), "NOT_FOUND", "GALLERY_NOT_FOUND"),
    "an unknown identity": (
        "GetIdentity",
        pb.GetIdentityRequest(gallery_id="lobby", identity_id="nobody"),
        "NOT_FOUND",
        "IDENTITY_NOT_FOUND",
    ),
    "an unknown template": (
        "DeleteTemplate",
        pb.DeleteTemplateRequest(gallery_id="lobby", template_id="6f1c8f0e-5d0b-5c39-9f0a-1d1c7a4c2b11"),
        "NOT_FOUND",
        "TEMPLATE_NOT_FOUND",
    ),
    "an empty identity id": ("Enroll", enroll(""), "INVALID_ARGUMENT", "INVALID_IDENTIFIER"),
    "an over-long identity id": ("Enroll", enroll("x" * 257), "INVALID_ARGUMENT", "INVALID_IDENTIFIER"),
    "an empty gallery id": ("GetGallery", pb.GetGalleryRequest(), "INVALID_ARGUMENT", "INVALID_IDENTIFIER"),
    "an over-long gallery id": (
        "CreateGallery",
        pb.CreateGalleryRequest(gallery_id="x" * 64),
        "INVALID_ARGUMENT",
        "INVALID_IDENTIFIER",
    ),
    "a gallery that exists": (
        "CreateGallery",
        pb.CreateGalleryRequest(gallery_id="lobby"),
        "ALREADY_EXISTS",
        "GALLERY_ALREADY_EXISTS",
    ),
    "a page token of rubbish": ("ListIdentities", listing("rubbish!"), "INVALID_ARGUMENT", "INVALID_PARAMETER"),
    "a page token made up": (
        "ListIdentities",
        listing(base64.urlsafe_b64encode(b"sealed by nobody: ann").decode()),
        "INVALID_ARGUMENT",
        "INVALID_PARAMETER",
    ),
    "a threshold below 0": ("Identify", identify(GOOD, threshold=-0.1), "INVALID_ARGUMENT", "INVALID_PARAMETER"),
    "a threshold above 2": ("Identify", identify(GOOD, threshold=2.1), "INVALID_ARGUMENT", "INVALID_PARAMETER"),
    "a threshold of NaN": ("Identify", identify(GOOD, threshold=np.nan), "INVALID_ARGUMENT", "INVALID_PARAMETER"),
    "a capture time outside the calendar": (
        "Enroll",
        pb.EnrollRequest(
            gallery_id="lobby",
            identity_id="ann",
            images=[pb.Image(content=GOOD, context=pb.Context(capture_time=Timestamp(seconds=10**15)))],
        ),
        "INVALID_ARGUMENT",
        "INVALID_PARAMETER",
    ),
    "a filter of no moment": (
        "ListIdentities",
        pb.ListIdentitiesRequest(
            gallery_id="lobby", filter=pb.TemplateFilter(captured_from=Timestamp(nanos=2 * 10**9))
        ),
        "INVALID_ARGUMENT",
        "INVALID_PARAMETER",
    ),
    "a fusion that there is not": (
        "UpdateGallery",
        pb.UpdateGalleryRequest(gallery_id="lobby", policy=pb.Policy(fusion=99)),  # type: ignore[arg-type]
        "INVALID_ARGUMENT",
        "INVALID_PARAMETER",
    ),
    "not the model's threshold": (
        "UpdateGallery",
        pb.UpdateGalleryRequest(gallery_id="lobby", model_threshold=False),
        "INVALID_ARGUMENT",
        "INVALID_PARAMETER",
    ),
    "a lifetime of ages": (
        "UpdateGallery",
        pb.UpdateGalleryRequest(gallery_id="lobby", policy=pb.Policy(template_lifetime=Duration(seconds=10**15))),
        "INVALID_ARGUMENT",
        "INVALID_PARAMETER",
    ),
    "a gallery of another model": (
        "Identify",
        identify(GOOD, gallery_id="foreign"),
        "FAILED_PRECONDITION",
        "MODEL_MISMATCH",
    ),
    "no reference to verify against": (
        "Verify",
        pb.VerifyRequest(image=pb.Image(content=GOOD)),
        "INVALID_ARGUMENT",
        "INVALID_REQUEST",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_is_refused_with_its_code_and_reason_and_the_next_call_works(stub: Any, case: str) -> None:
    method, request, code, reason = CASES[case]
    with pytest.raises(grpc.RpcError) as refused:
        getattr(stub, method)(request, timeout=20)
    call = cast(grpc.Call, refused.value)
    status = rpc_status.from_call(call)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (call.code().name, info.reason, info.domain) == (code, reason, "identity-gallery")
    assert len(call.details()) > 20
    answer = stub.Identify(identify(GOOD), timeout=20)
    assert answer.identifications[0].candidates[0].identity_id == "ann"


def test_a_token_of_one_listing_is_not_taken_by_another(stub: Any) -> None:
    stub.CreateGallery(pb.CreateGalleryRequest(gallery_id="zoo"))
    token = stub.ListGalleries(pb.ListGalleriesRequest(page_size=1)).next_page_token
    assert stub.ListGalleries(pb.ListGalleriesRequest(page_size=1, page_token=token)).galleries
    with pytest.raises(grpc.RpcError, match="never given out"):
        stub.ListIdentities(listing(token))


def test_of_five_images_the_bad_one_is_refused_in_its_place_and_four_are_kept(stub: Any) -> None:
    contents = [png_of(10), png_of(11), JPEG[:200], png_of(12), png_of(13)]
    images = [pb.Image(content=content) for content in contents]
    request = pb.EnrollRequest(gallery_id="lobby", identity_id="five", images=images)
    results = stub.Enroll(request).results
    assert [result.WhichOneof("result") for result in results] == ["template"] * 2 + ["error"] + ["template"] * 2
    info = error_details_pb2.ErrorInfo()
    assert results[2].error.details[0].Unpack(info)
    assert info.reason == "INVALID_IMAGE"
    kept = stub.GetIdentity(pb.GetIdentityRequest(gallery_id="lobby", identity_id="five"))
    assert len(kept.templates) == 4
    request.identity_id, request.all_or_nothing = "none", True
    with pytest.raises(grpc.RpcError):
        stub.Enroll(request)
    with pytest.raises(grpc.RpcError, match="no identity 'none'"):
        stub.GetIdentity(pb.GetIdentityRequest(gallery_id="lobby", identity_id="none"))


def refusal_at_start(settings: Settings) -> GalleryError:
    async def start() -> None:
        async with running(settings):
            pass

    with pytest.raises(GalleryError) as refused:
        asyncio.run(start())
    return refused.value


def test_a_port_in_use_is_refused_at_the_start(tmp_path: Path, model_file: Path) -> None:
    with served(settings_for(tmp_path / "one", model_file)) as address:
        other = settings_for(tmp_path / "two", model_file).model_copy(update={"listen": address})
        error = refusal_at_start(other)
    assert isinstance(error, InvalidParameter)
    assert address in str(error)


def test_a_store_folder_in_use_is_refused_at_the_start(tmp_path: Path, model_file: Path) -> None:
    with served(settings_for(tmp_path, model_file)):
        error = refusal_at_start(settings_for(tmp_path, model_file))
    assert isinstance(error, StoreUnavailable)
    assert str(tmp_path) in str(error)


def test_a_qdrant_server_that_is_not_there_is_refused_at_the_start(tmp_path: Path, model_file: Path) -> None:
    nowhere = {"qdrant_url": "http://127.0.0.1:9", "qdrant_grpc_port": 9}
    error = refusal_at_start(settings_for(tmp_path, model_file).model_copy(update=nowhere))
    assert isinstance(error, StoreUnavailable)
    assert "127.0.0.1:9" in str(error)
