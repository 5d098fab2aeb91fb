"""Qdrant's errors as the gallery's: the table is complete."""

import importlib
import inspect
import pkgutil

import grpc
import pytest
import qdrant_client
from grpc import StatusCode
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException

from gallery.errors import GalleryAlreadyExists, GalleryNotFound, StoreCorrupt, StoreUnavailable
from gallery.qdrant_store.translation import FOREIGN, TABLE, is_transient, translated


def refusal(code: StatusCode) -> grpc.aio.AioRpcError:
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, nothing, nothing, details=f"the details of {code.name}")


def exceptions_of_the_client() -> set[type[Exception]]:
    """Every exception class that the client's own modules define, and gRPC's that it lets through."""
    found = {each for _, each in inspect.getmembers(grpc.aio, inspect.isclass) if issubclass(each, Exception)}
    for module in pkgutil.walk_packages(qdrant_client.__path__, "qdrant_client."):
        if module.name.startswith(("qdrant_client.local", "qdrant_client.migrate")):
            continue  # never used here
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found |= {each for _, each in members if issubclass(each, Exception) and "qdrant" in each.__module__}
    return found


def test_the_client_raises_nothing_that_is_not_translated() -> None:
    raised = exceptions_of_the_client()
    assert {"AioRpcError", "UnexpectedResponse", "ResourceExhaustedResponse"} <= {each.__name__ for each in raised}
    assert [each for each in raised if not issubclass(each, FOREIGN)] == []


def test_every_status_code_has_its_line() -> None:
    said_of_the_gallery = {StatusCode.NOT_FOUND, StatusCode.ALREADY_EXISTS}
    assert set(TABLE) == set(StatusCode) - {StatusCode.OK} - said_of_the_gallery


@pytest.mark.parametrize("code", TABLE)
def test_a_status_code_becomes_the_gallerys_error_and_says_how_to_mend_it(code: StatusCode) -> None:
    kind, remedy = TABLE[code]
    with pytest.raises(kind, match=code.name) as caught, translated("main"):
        raise refusal(code)
    assert f"the details of {code.name}" in str(caught.value)
    assert remedy in str(caught.value)


def test_codes_about_a_collection_are_said_of_the_gallery() -> None:
    with pytest.raises(GalleryNotFound, match="main"), translated("main"):
        raise refusal(StatusCode.NOT_FOUND)
    with pytest.raises(GalleryAlreadyExists, match="main"), translated("main"):
        raise refusal(StatusCode.ALREADY_EXISTS)


@pytest.mark.parametrize(
    "error",
    [
        ResourceExhaustedResponse("too many requests", 3),
        ResponseHandlingException(OSError("torn")),
        RuntimeError("Client was closed"),
        ValueError("Unknown scheme"),
    ],
)
def test_the_clients_own_refusals_become_unavailable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable), translated("main"):
        raise error


def test_an_error_of_the_gallery_passes_as_it_is() -> None:
    with pytest.raises(StoreCorrupt, match="as it is"), translated("main"):
        raise StoreCorrupt("as it is")


def test_only_an_unavailable_server_is_tried_again() -> None:
    assert [code for code in StatusCode if is_transient(refusal(code))] == [StatusCode.UNAVAILABLE]
    assert not is_transient(ValueError())
