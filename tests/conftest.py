"""What tests of several floors share: a model file of a few kilobytes, and drawn people to show to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gallery import GalleryClient
from tests.qdrant_server import Address, binary, or_skipped, running_server
from tests.served import served, settings_for
from tests.tiny_model import tiny_card, tiny_onnx, write_model


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny_onnx()
    return write_model(tmp_path_factory.mktemp("model") / "tiny.onnx", model, tiny_card(model))


@pytest.fixture(scope="session")
def other_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny_onnx(seed=1)
    return write_model(tmp_path_factory.mktemp("model") / "other.onnx", model, tiny_card(model))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Iterator[str]:
    """A real server with an empty store, one for all tests of a module."""
    with served(settings_for(tmp_path_factory.mktemp("served"), model_file)) as address:
        yield address


@pytest.fixture(scope="session")
def qdrant() -> Iterator[Address]:
    """A real Qdrant server. Without one, tests are skipped; in CI they fail."""
    with or_skipped(), running_server() as address:
        yield address


@pytest.fixture(scope="session")
def qdrant_program() -> Path:
    """The program of a Qdrant server, for tests that start and kill their own."""
    with or_skipped():
        return binary()


@pytest.fixture
def client(address: str) -> Iterator[GalleryClient]:
    with GalleryClient(address, timeout=60.0) as client:
        yield client
