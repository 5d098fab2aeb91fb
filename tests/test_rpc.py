"""The service as a stranger sees it: raw protobuf against a real server on a free port, over the embedded store."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from gallery.domain import Embedded, EncodedImage
from gallery.errors import GalleryError
from gallery.onnx_embedder import OnnxEmbedder
from gallery.server import SERVICE_NAME, running
from gallery.settings import Settings
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import GalleryServiceStub
from tests.pictures import png_of


@pytest.fixture
def settings(tmp_path: Path, model_file: Path) -> Settings:
    return Settings(listen="127.0.0.1:0", model=model_file, store=tmp_path / "store", workers=1, queue=8, grace=5.0)


@pytest.fixture
async def channel(settings: Settings) -> AsyncIterator[grpc.aio.Channel]:
    async with running(settings) as server, grpc.aio.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
async def stub(channel: grpc.aio.Channel) -> "GalleryServiceStub":
    stub = GalleryServiceStub(channel)
    await stub.CreateGallery(pb.CreateGalleryRequest(gallery_id="lobby"))
    return stub


async def refusal_of(call: Awaitable[object]) -> tuple[grpc.StatusCode, str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(cast(grpc.Call, failed.value))
    if status is not None:
        assert status.details[0].Unpack(info)
    return failed.value.code(), info.reason, failed.value.details() or ""


def image(seed: int) -> pb.Image:
    return pb.Image(content=png_of(seed))


async def test_people_are_enrolled_identified_verified_and_erased(stub: GalleryServiceStub) -> None:
    for person in range(3):
        request = pb.EnrollRequest(gallery_id="lobby", identity_id=f"person-{person}", images=[image(person)])
        assert (await stub.Enroll(request)).results[0].template.created

    answer = await stub.Identify(pb.IdentifyRequest(gallery_id="lobby", image=image(1), max_candidates=2))
    (person,) = answer.identifications
    assert person.matched
    assert person.candidates[0].identity_id == "person-1"
    assert len(person.candidates) == 2
    assert answer.basis.threshold == pytest.approx(0.3)
    assert answer.basis.threshold_source == pb.THRESHOLD_SOURCE_MODEL
    assert answer.basis.metric == pb.METRIC_COSINE

    same = await stub.Verify(pb.VerifyRequest(gallery_id="lobby", image=image(1), identity_id="person-1"))
    other = await stub.Verify(pb.VerifyRequest(image=image(1), reference_image=image(2), threshold=0.0))
    assert (same.matched, other.matched) == (True, False)

    listed = await stub.ListIdentities(pb.ListIdentitiesRequest(gallery_id="lobby"))
    assert [(each.identity_id, each.template_count) for each in listed.identities] == [
        (f"person-{person}", 1) for person in range(3)
    ]
    await stub.DeleteIdentity(pb.DeleteIdentityRequest(gallery_id="lobby", identity_id="person-1"))
    answer = await stub.Identify(pb.IdentifyRequest(gallery_id="lobby", image=image(1)))
    assert "person-1" not in [near.identity_id for near in answer.identifications[0].candidates]

    one = await stub.GetIdentity(pb.GetIdentityRequest(gallery_id="lobby", identity_id="person-0"))
    await stub.DeleteTemplate(pb.DeleteTemplateRequest(gallery_id="lobby", template_id=one.templates[0].template_id))
    gone = await stub.DeleteGallery(pb.DeleteGalleryRequest(gallery_id="lobby"))
    assert gone.deleted_template_count == 1
    assert not (await stub.ListGalleries(pb.ListGalleriesRequest())).galleries


async def test_embeddings_name_the_model_that_made_them(stub: GalleryServiceStub) -> None:
    embedded = await stub.Embed(pb.EmbedRequest(image=image(1)))
    gallery = (await stub.GetGallery(pb.GetGalleryRequest(gallery_id="lobby"))).gallery
    assert len(embedded.embeddings[0].values) == gallery.dimension
    assert embedded.model_digest == gallery.model_digest


async def test_a_full_queue_answers_resource_exhausted_and_says_when_to_come_back(stub: GalleryServiceStub) -> None:
    slow = pb.EmbedRequest(image=pb.Image(content=png_of(1, height=2000, width=2000)))
    calls = [stub.Embed(slow) for _ in range(50)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert refused, "fifty calls at once fitted into a queue of eight"
    assert len(refused) < len(answers)
    for error in refused:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        retry = error_details_pb2.RetryInfo()
        status = rpc_status.from_call(cast(grpc.Call, error))
        assert status is not None
        assert status.details[1].Unpack(retry)
    assert (await stub.Embed(pb.EmbedRequest(image=image(1)))).embeddings


async def test_while_the_queue_is_full_a_picture_is_refused_before_its_message_is_read(
    stub: GalleryServiceStub, channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, embed = threading.Event(), OnnxEmbedder.embed_all

    def held(network: OnnxEmbedder, pictures: Sequence[EncodedImage]) -> list[tuple[Embedded, ...] | GalleryError]:
        assert gate.wait(timeout=60)
        return embed(network, pictures)

    monkeypatch.setattr(OnnxEmbedder, "embed_all", held)
    calls = [asyncio.ensure_future(stub.Embed(pb.EmbedRequest(image=image(1)))) for _ in range(20)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
    for method in ("Identify", "Verify", "Embed", "Enroll"):
        call: Any = channel.unary_unary(f"/{SERVICE_NAME}/{method}")
        code, reason, _ = await refusal_of(call(b"no message"))
        assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert (await stub.GetGallery(pb.GetGalleryRequest(gallery_id="lobby"))).gallery.gallery_id == "lobby"
    gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, pb.EmbedResponse) for answer in answers) == 9


async def test_a_message_over_the_limit_is_refused_and_the_next_call_is_served(stub: GalleryServiceStub) -> None:
    huge = pb.EmbedRequest(image=pb.Image(content=bytes(60 * 2**20)))
    code, _, _ = await refusal_of(stub.Embed(huge))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await stub.Embed(pb.EmbedRequest(image=image(1)))).embeddings


async def test_health_says_when_every_worker_hangs_and_when_one_is_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    embed = OnnxEmbedder.embed_all

    def hang_at_one(
        network: OnnxEmbedder, pictures: Sequence[EncodedImage]
    ) -> list[tuple[Embedded, ...] | GalleryError]:
        assert image(1).content not in [picture.content for picture in pictures] or gate.wait(timeout=60)
        return embed(network, pictures)

    monkeypatch.setattr(OnnxEmbedder, "embed_all", hang_at_one)
    monkeypatch.setattr("gallery.health._SECONDS_BETWEEN_CHECKS", 0.02)
    hanging = settings.model_copy(update={"worker_timeout": 0.1})
    async with running(hanging) as server, grpc.aio.insecure_channel(server.address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        told = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE_NAME), timeout=60)
        answers = aiter(told)
        while (await anext(answers)).status != health_pb2.HealthCheckResponse.SERVING:
            pass
        stub: GalleryServiceStub = GalleryServiceStub(channel)
        for _ in range(2):  # one worker, and the one in its place
            code, reason, _ = await refusal_of(stub.Embed(pb.EmbedRequest(image=image(1))))
            assert (code, reason) == (grpc.StatusCode.INTERNAL, "EMBEDDING_FAILED")
        assert (await anext(answers)).status == health_pb2.HealthCheckResponse.NOT_SERVING
        code, reason, _ = await refusal_of(stub.Embed(pb.EmbedRequest(image=image(1))))
        assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "EMBEDDER_UNAVAILABLE")
        gate.set()
        assert (await anext(answers)).status == health_pb2.HealthCheckResponse.SERVING
        told.cancel()


async def test_health_says_serving(channel: grpc.aio.Channel) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)
    for service in ("", SERVICE_NAME):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service), wait_for_ready=True)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_the_service(channel: grpc.aio.Channel) -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast(Any, channel))
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async for answer in stub.ServerReflectionInfo(iter([request])):
        assert SERVICE_NAME in [service.name for service in answer.list_services_response.service]


async def test_the_network_is_warm_for_every_worker_before_the_server_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm: list[int] = []
    monkeypatch.setattr(OnnxEmbedder, "warm_up", lambda network, callers: warm.append(callers))
    async with running(settings.model_copy(update={"workers": 3})):
        assert warm == [3]


async def test_what_was_enrolled_is_there_after_a_restart(settings: Settings) -> None:
    async with running(settings) as server, grpc.aio.insecure_channel(server.address) as channel:
        stub = GalleryServiceStub(channel)
        await stub.CreateGallery(pb.CreateGalleryRequest(gallery_id="lobby"))
        await stub.Enroll(pb.EnrollRequest(gallery_id="lobby", identity_id="ann", images=[image(1)]))
    async with running(settings) as server, grpc.aio.insecure_channel(server.address) as channel:
        stub = GalleryServiceStub(channel)
        answer = await stub.Identify(pb.IdentifyRequest(gallery_id="lobby", image=image(1)))
        assert answer.identifications[0].candidates[0].identity_id == "ann"
