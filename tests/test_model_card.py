from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gallery.errors import InvalidModel
from gallery.model_card import ModelCard, digest_of, metadata_of
from tests.tiny_model import tiny_card, tiny_onnx, write_model

MODEL = tiny_onnx()
CARD = tiny_card(MODEL)


def test_a_card_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    assert ModelCard.read(write_model(tmp_path / "m.onnx", MODEL, CARD)) == CARD


def test_the_digest_ignores_the_card_and_nothing_else(tmp_path: Path) -> None:
    written = write_model(tmp_path / "m.onnx", MODEL, CARD).read_bytes()
    renamed = write_model(tmp_path / "n.onnx", MODEL, CARD.model_copy(update={"name": "other"})).read_bytes()
    assert digest_of(written) == digest_of(renamed) == CARD.digest
    assert digest_of(tiny_onnx(seed=1)) != CARD.digest


def test_a_model_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="no model card"):
        ModelCard.read(write_model(tmp_path / "m.onnx", MODEL, None))


def test_a_model_that_was_changed_after_its_card_was_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="not the file its card describes"):
        ModelCard.read(write_model(tmp_path / "m.onnx", tiny_onnx(seed=1), CARD))


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # it warns as it writes the nonsense
@pytest.mark.parametrize("field", ["threshold", "height", "digest", "color_order"])
def test_a_card_with_a_wrong_field_is_refused_by_name(tmp_path: Path, field: str) -> None:
    wrong = CARD.model_copy(update={field: "nonsense"})
    with pytest.raises(InvalidModel, match=field):
        ModelCard.read(write_model(tmp_path / "m.onnx", MODEL, wrong))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(InvalidModel, match="cannot be read"):
            ModelCard.read(path)


@given(cut=st.integers(0, len(MODEL) - 1))
@settings(max_examples=200)
def test_a_torn_file_never_passes(cut: int) -> None:
    with pytest.raises(InvalidModel):
        ModelCard.of(MODEL[:cut])


@given(st.binary(max_size=300))
def test_bytes_that_are_no_model_are_refused_and_never_crash(content: bytes) -> None:
    try:
        metadata_of(content)
        digest_of(content)
    except InvalidModel:
        pass
