"""What tests of several floors share: a model file of a few kilobytes, and drawn people to show to it."""

from pathlib import Path

import pytest

from tests.tiny_model import tiny_card, tiny_onnx, write_model


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny_onnx()
    return write_model(tmp_path_factory.mktemp("model") / "tiny.onnx", model, tiny_card(model))


@pytest.fixture(scope="session")
def other_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny_onnx(seed=1)
    return write_model(tmp_path_factory.mktemp("model") / "other.onnx", model, tiny_card(model))
