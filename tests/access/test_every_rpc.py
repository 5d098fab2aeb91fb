"""Every RPC that is served × every role × a gallery that the key is for and one that it is not for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from gallery.access import RULES, Names, NewKey, Role
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.status import reason_in
from tests.access.keys import bearer, made
from tests.served import served, settings_for

HERE, ELSEWHERE = "lobby", "garage"

SERVICES: list[Any] = [
    pb.DESCRIPTOR.services_by_name["GalleryService"],
    health_pb2.DESCRIPTOR.services_by_name["Health"],
    reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
]
METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method for service in SERVICES for method in service.methods
}

# what each role may do that the one before it may not: said here again, so that a slip in the table shows
NOBODY_NEEDS_A_KEY_FOR = {"Check", "List", "Watch"}
PROBE = {"Identify", "IdentifyStream", "Verify", "GetGallery", "ListGalleries", "ServerReflectionInfo"}
ENROL = {"Embed", "Enroll", "BulkEnroll", "GetIdentity", "ListIdentities", "Diagnose"}
ADMIN = {
    "CreateGallery",
    "UpdateGallery",
    "DeleteGallery",
    "DeleteIdentity",
    "DeleteTemplate",
    "MergeIdentities",
    "SplitIdentity",
    "UndoChange",
    "ExportGallery",
    "Calibrate",
}
MAY = {Role.PROBE: PROBE, Role.ENROL: PROBE | ENROL, Role.ADMIN: PROBE | ENROL | ADMIN}
NAME_NO_GALLERY = {"ListGalleries", "Embed", "ServerReflectionInfo"}


def test_every_rpc_has_a_rule_and_every_rule_an_rpc() -> None:
    assert set(RULES) == set(METHODS)


def test_every_rpc_is_placed_in_this_tests_own_table() -> None:
    assert {method.name for method in METHODS.values()} == NOBODY_NEEDS_A_KEY_FOR | PROBE | ENROL | ADMIN


@pytest.mark.parametrize("path", METHODS)
def test_a_request_names_a_gallery_where_its_rule_says_so_and_nowhere_else(path: str) -> None:
    method, rule = METHODS[path], RULES[path]
    streamed = [kind for name, kind in messages_in(method.input_type) if name == "options"]
    opening = streamed[0] if streamed else method.input_type
    assert ("gallery_id" in opening.fields_by_name) == (rule.names is not Names.NOTHING)
    hidden = [each.full_name for each in nested(method.input_type) if "gallery_id" in each.fields_by_name]
    assert hidden in ([], [opening.full_name]), "a gallery that nothing would check the key against"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Role, str], NewKey]:
    file = key_file(tmp_path_factory)
    return {(role, scope): made(file, role, scope) for role in Role for scope in (HERE, "*")}


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, model_file: Path, keys: dict[tuple[Role, str], NewKey]
) -> Iterator[str]:
    file = key_file(tmp_path_factory)
    settings = settings_for(tmp_path_factory.mktemp("served"), model_file).model_copy(update={"keys": file})
    with served(settings) as address:
        yield address


def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "every-rpc-keys.json"


@pytest.mark.parametrize("gallery_id", [HERE, ELSEWHERE])
@pytest.mark.parametrize("scope", [HERE, "*"])
@pytest.mark.parametrize("role", Role)
async def test_a_key_does_what_its_role_and_its_galleries_allow_and_nothing_else(
    guarded: str, keys: dict[tuple[Role, str], NewKey], role: Role, scope: str, gallery_id: str
) -> None:
    wrong = []
    async with grpc.aio.insecure_channel(guarded) as channel:
        for path, method in METHODS.items():
            if method.name in NOT_SERVED:
                continue
            code, reason = await called(channel, path, method, gallery_id, keys[role, scope].token)
            name = method.name
            if name in NOBODY_NEEDS_A_KEY_FOR or (
                name in MAY[role] and (name in NAME_NO_GALLERY or scope in ("*", gallery_id))
            ):
                expected = None
            elif name not in MAY[role]:
                expected = (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")
            else:
                expected = (grpc.StatusCode.PERMISSION_DENIED, "GALLERY_NOT_ALLOWED")
            refused = (code, reason) if code in REFUSALS else None
            if refused != expected or code in BROKEN:
                wrong.append((name, code, reason, "expected", expected))
    assert wrong == []


REFUSALS = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
BROKEN = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED)
NOT_SERVED = {"List"}  # grpcio's health servicer has none


@pytest.mark.parametrize("path", METHODS)
async def test_without_a_key_everything_is_refused_but_a_look_at_the_health(guarded: str, path: str) -> None:
    async with grpc.aio.insecure_channel(guarded) as channel:
        code, reason = await called(channel, path, METHODS[path], HERE, None)
    if METHODS[path].name in NOBODY_NEEDS_A_KEY_FOR:
        assert code is (grpc.StatusCode.UNIMPLEMENTED if path.endswith("/List") else grpc.StatusCode.OK)
    else:
        assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_a_stream_cannot_go_on_to_a_gallery_that_its_key_is_not_for(
    guarded: str, keys: dict[tuple[Role, str], NewKey]
) -> None:
    async with grpc.aio.insecure_channel(guarded) as channel:
        admin = bearer(keys[Role.ADMIN, "*"].token)
        create: Any = channel.unary_unary(
            "/gallery.v1.GalleryService/CreateGallery", pb.CreateGalleryRequest.SerializeToString
        )
        try:
            await create(pb.CreateGalleryRequest(gallery_id=HERE), metadata=admin)
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.ALREADY_EXISTS
        call = channel.stream_stream(
            "/gallery.v1.GalleryService/IdentifyStream",
            pb.IdentifyStreamRequest.SerializeToString,
            pb.IdentifyStreamResponse.FromString,
        )(metadata=bearer(keys[Role.PROBE, HERE].token))
        for gallery_id in (HERE, ELSEWHERE):
            options = pb.IdentifyStreamOptions(gallery_id=gallery_id)
            await call.write(pb.IdentifyStreamRequest(options=options))
        with pytest.raises(grpc.aio.AioRpcError):
            await call.read()
        assert await call.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_method_without_a_rule_is_refused_to_the_highest_role(
    guarded: str, keys: dict[tuple[Role, str], NewKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(RULES, "/gallery.v1.GalleryService/Embed")
    async with grpc.aio.insecure_channel(guarded) as channel:
        path = "/gallery.v1.GalleryService/Embed"
        code, reason = await called(channel, path, METHODS[path], HERE, keys[Role.ADMIN, "*"].token)
    assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")


async def called(
    channel: grpc.aio.Channel, path: str, method: MethodDescriptor, gallery_id: str, token: str | None
) -> tuple[grpc.StatusCode, str]:
    """Call with a request that names the gallery and nothing else; return how that ended."""
    kind = ("stream" if method.client_streaming else "unary") + "_" + ("stream" if method.server_streaming else "unary")
    answer_type = message_factory.GetMessageClass(method.output_type)
    stub = getattr(channel, kind)(path, lambda message: message.SerializeToString(), answer_type.FromString)
    request = request_for(method.input_type, gallery_id)
    metadata = () if token is None else bearer(token)
    question = one(request) if method.client_streaming else request
    call = stub(question, metadata=metadata, timeout=30.0)
    try:
        if method.server_streaming:
            await first_of(call)
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return error.code(), reason_in([*error.trailing_metadata()])
    return grpc.StatusCode.OK, ""


async def one(request: Message) -> AsyncIterator[Message]:
    yield request
    await asyncio.sleep(0)


async def first_of(call: Any) -> None:
    async for _ in call:
        call.cancel()  # Watch never ends by itself
        return


def request_for(kind: Descriptor, gallery_id: str) -> Message:
    request = message_factory.GetMessageClass(kind)()
    about: Any = request
    if "options" in kind.fields_by_name:
        about = request.options  # type: ignore[attr-defined]
    if "gallery_id" in about.DESCRIPTOR.fields_by_name:
        about.gallery_id = gallery_id
    return request


def messages_in(kind: Descriptor) -> list[tuple[str, Descriptor]]:
    return [(field.name, field.message_type) for field in kind.fields if field.message_type is not None]


def nested(kind: Descriptor, seen: frozenset[str] = frozenset()) -> list[Descriptor]:
    found = [kind]
    for _, inner in messages_in(kind):
        if inner.full_name not in seen:
            found += nested(inner, seen | {kind.full_name})
    return found
