"""The comments of the proto, which are the API's reference: what they say of errors is what the code does."""

import re
from pathlib import Path

import pytest

from gallery.errors import CallFailed, GalleryError
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.status import code_name, subclasses

PROTO = (Path(__file__).parent.parent / "protos/gallery/v1/gallery_service.proto").read_text()
COMMENTS = {
    rpc: " ".join(line.strip().removeprefix("//").strip() for line in comment.splitlines())
    for comment, rpc in re.findall(r"((?:  //.*\n)+)  rpc (\w+)", PROTO)
}
OF_EVERY_RPC = re.findall(r"^//   ([A-Z_]+) +([A-Z_]+) ", PROTO, re.MULTILINE)
CODE_OF = {
    kind.reason: code_name(kind)
    for kind in subclasses(GalleryError)
    if kind.__module__ == GalleryError.__module__ and not issubclass(kind, CallFailed)
}


def errors_in(comment: str) -> list[tuple[str, str]]:
    """Every (code, reason) of a comment, written as ``CODE REASON, REASON; CODE REASON.``"""
    clauses = re.findall(r"\b([A-Z]+(?:_[A-Z]+)*) ([A-Z]+_[A-Z_]+(?:, [A-Z]+_[A-Z_]+)*)(?=[;.])", comment)
    return [(code, reason) for code, reasons in clauses for reason in reasons.split(", ")]


def test_every_rpc_says_how_it_fails() -> None:
    rpcs = {method.name for method in pb.DESCRIPTOR.services_by_name["GalleryService"].methods}
    assert {rpc for rpc, comment in COMMENTS.items() if errors_in(comment)} == rpcs


@pytest.mark.parametrize("rpc", COMMENTS)
def test_each_reason_that_an_rpc_names_has_that_code(rpc: str) -> None:
    for code, reason in errors_in(COMMENTS[rpc]):
        assert CODE_OF[reason] == code, reason
        assert (code, reason) not in OF_EVERY_RPC


def test_each_reason_that_any_rpc_may_have_has_that_code_and_none_is_left_out() -> None:
    for code, reason in OF_EVERY_RPC:
        assert CODE_OF[reason] == code, reason
    named = {reason for _, reason in OF_EVERY_RPC}
    named |= {reason for comment in COMMENTS.values() for _, reason in errors_in(comment)}
    parents = {"GALLERY_ERROR", "NOT_FOUND", "PERMISSION_DENIED"}
    not_of_a_call = {"INVALID_BACKUP", "AUDIT_CORRUPT", "INVALID_SOURCE", "SOURCE_UNAVAILABLE"}
    assert named == set(CODE_OF) - parents - not_of_a_call
