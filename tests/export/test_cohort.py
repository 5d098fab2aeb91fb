import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from pydantic import ValidationError

from export.metrics.retrieval import Labels
from export.shipping.cohort import bundled, thinned, with_cohort
from gallery.bundled.cohort import COHORT_KEY, BundledCohort, cohort_of
from gallery.domain import Embedding
from gallery.errors import InvalidModel
from gallery.model_card import ModelCard, digest_of
from gallery.onnx_embedder import OnnxEmbedder
from tests.tiny_model import tiny_card, tiny_onnx, write_model

MODEL = tiny_onnx()
LABELS = Labels.of(["ann"] * 12 + ["bob"] * 2, ["c1"] * 9 + ["c2", "c3", None, "c1", "c1"])


def rows(count: int = 14) -> Embedding:
    vectors = np.random.default_rng(0).normal(size=(count, 8))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def made(digest: str | None = None) -> BundledCohort:
    return bundled(rows(), LABELS, digest or digest_of(MODEL), "drawn vectors of nobody")


def test_a_person_leaves_at_most_eight_pictures_by_as_many_cameras_as_there_are() -> None:
    kept = thinned(LABELS)
    ann = kept[kept < 12]
    assert len(ann) == 8
    assert len(np.unique(LABELS.cameras[ann])) == 4
    assert kept[kept >= 12].tolist() == [12, 13]


def test_a_cohort_comes_back_nearly_as_it_was_of_unit_length_and_without_names() -> None:
    cohort = made().cohort("the model")
    kept = thinned(LABELS)
    assert np.sum(cohort.embeddings * rows()[kept], axis=1) == pytest.approx(1.0, abs=1e-3)
    assert np.linalg.norm(cohort.embeddings, axis=1) == pytest.approx(1.0, abs=1e-6)
    assert cohort.people == ("stranger-0",) * 8 + ("stranger-1",) * 2
    assert "ann" not in made().model_dump_json()


def test_a_model_with_a_cohort_has_the_digest_it_had_and_keeps_its_card(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx", MODEL, tiny_card(MODEL))
    path.write_bytes(with_cohort(path.read_bytes(), made()))
    assert ModelCard.read(path).digest == digest_of(MODEL)
    cohort = OnnxEmbedder(path).cohort
    assert cohort is not None
    assert cohort.model_digest == digest_of(MODEL)
    assert cohort.embeddings.shape == (10, 8)


def test_writing_a_cohort_again_replaces_it() -> None:
    twice = with_cohort(with_cohort(MODEL, made()), made())
    assert [entry.key for entry in onnx.load_model_from_string(twice).metadata_props] == [COHORT_KEY]


def test_a_model_without_a_cohort_has_none() -> None:
    assert cohort_of(MODEL) is None


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="cannot be read"):
        OnnxEmbedder(tmp_path / "nothing.onnx")


def test_a_cohort_of_another_model_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"was made with the model 9999"):
        with_cohort(MODEL, made("9" * 64))


def with_text(text: str) -> bytes:
    proto = onnx.load_model_from_string(MODEL)
    onnx.helper.set_model_props(proto, {COHORT_KEY: text})
    return bytes(proto.SerializeToString())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rows_base64": base64.b64encode(bytes(80)).decode()}, "torn"),
        ({"rows_base64": "?"}, "not base64"),
        ({"people": (0,) * 8 + (1, 2)}, "torn"),
        ({"digest": "0" * 64}, "torn"),
        ({"dimension": 4}, "10 rows of 4"),
    ],
)
def test_a_cohort_that_was_tampered_with_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidModel, match=says):
        cohort_of(with_text(made().model_copy(update=change).model_dump_json()))


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_a_cohort_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidModel, match="is wrong at"):
        cohort_of(with_text(text))


def test_a_cohort_says_whose_model_it_is_of_in_full() -> None:
    with pytest.raises(ValidationError, match="model_digest"):
        replace_digest("short")


def replace_digest(digest: str) -> BundledCohort:
    return BundledCohort.of(replace(made().cohort("the model"), model_digest=digest), "")
