"""The whole path as a new user walks it, on people drawn by the project: train, export, check, evaluate, quantise."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner, Result

from export.cli import app
from export.data.pixels import load_all
from export.data.readers import read
from export.data.splits import IdentitySplit
from export.errors import InvalidData
from export.evaluation.models import load_model
from export.shipping.packaging_int8 import Calibration, package_int8
from export.shipping.provenance import checked_split
from export.shipping.to_onnx import PARITY_TOLERANCE
from gallery.errors import InvalidModel
from gallery.model_card import ModelCard
from gallery.onnx_embedder import OnnxEmbedder
from tests.export.people import drawn_people

pytestmark = pytest.mark.timeout(400)  # two cores that are busy with something else take minutes

RECIPE = ["network.alpha=0.35", "network.height=64", "network.width=32", "network.dimension=32", "schedule.epochs=2"]


@dataclass(frozen=True)
class Workshop:
    """What the path leaves behind; ``said`` is what the commands printed."""

    data: Path
    split: Path
    keras: Path
    fp32: Path
    int8: Path
    report: Path
    said: str


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root = tmp_path_factory.mktemp("workshop")
    data, run, report = root / "people", root / "run", root / "report"
    drawn_people(data, people=16, views=6)
    choices = [part for choice in (*RECIPE, "held_out=8", "identities_a_batch=4") for part in ("--set", choice)]
    split, keras, fp32, int8 = run / "split.json", run / "best.keras", root / "fp32.onnx", root / "int8.onnx"
    common = ("--data", data, "--split", split)
    said = [
        invoke("train", data, "--run", run, "--weights", "none", *choices),
        invoke("onnx", "--keras", keras, *common, "--out", fp32, "--name", "drawn", "--terms", "drawn by the project"),
        invoke("quantize", fp32, *common, "--out", int8, "--pictures", "24"),
        invoke("evaluate", "--model", fp32, "--model", int8, *common, "--out", report),
    ]
    assert [result.exit_code for result in said] == [0] * len(said)
    return Workshop(data, split, keras, fp32, int8, report, "".join(result.output for result in said))


def test_the_onnx_file_embeds_as_keras_does_alone_and_in_a_batch(workshop: Workshop) -> None:
    pixels = load_all(read(workshop.data).samples[:9], 64, 32)
    keras, embedder = load_model(workshop.keras), OnnxEmbedder(workshop.fp32)
    expected = keras.embed(pixels)
    assert np.abs(embedder.embed_pixels(pixels) - expected).max() < PARITY_TOLERANCE
    alone = np.concatenate([embedder.embed_pixels(pixels[row : row + 1]) for row in range(len(pixels))])
    assert np.abs(alone - expected).max() < PARITY_TOLERANCE


def test_the_card_says_what_it_takes_to_make_the_model_again(workshop: Workshop) -> None:
    card = ModelCard.read(workshop.fp32)
    assert (card.name, card.height, card.width, card.dimension) == ("drawn", 64, 32, 32)
    assert card.training_data == "48 pictures of 8 people"
    assert card.training_data_terms == "drawn by the project"
    assert len(card.golden) == 4
    facts = card.provenance
    assert facts["split"]["held_out"] == list(IdentitySplit.read(workshop.split).held_out)
    assert facts["recipe"]["network"]["alpha"] == 0.35
    assert facts["parity_with_keras"]["batch_n"] <= PARITY_TOLERANCE
    assert {"keras", "tf2onnx", "onnxruntime", "numpy"} <= set(facts["versions"])
    assert card.figures["rank-1"]["n"] > 0
    assert "FPIR 1% at a gallery of 4 identities" in card.threshold_note


def test_the_card_names_no_path_of_this_machine(workshop: Workshop) -> None:
    for path in (workshop.fp32, workshop.int8):
        assert str(workshop.data.parent) not in ModelCard.read(path).model_dump_json()
        assert str(workshop.data.parent).encode() not in path.read_bytes()


def test_the_int8_version_has_a_card_of_its_own_and_says_what_it_was_made_of(workshop: Workshop) -> None:
    fp32, int8 = ModelCard.read(workshop.fp32), ModelCard.read(workshop.int8)
    assert (fp32.precision, int8.precision) == ("fp32", "int8")
    assert int8.digest != fp32.digest
    assert int8.provenance["quantized_from"] == fp32.digest
    assert int8.provenance["calibration"]["pictures"] == 24
    assert "VNNI" in int8.threshold_note
    assert OnnxEmbedder(workshop.int8).check_golden() < 1e-3
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(workshop.int8).graph.node}
    assert "times as fast as fp32" in workshop.said


def test_the_figures_are_of_held_out_people_and_carry_intervals_and_n(workshop: Workshop) -> None:
    found = json.loads((workshop.report / "figures.json").read_text())
    assert [one["model"] for one in found["models"]] == ["fp32", "int8"]
    for one in found["models"]:
        assert (one["data"]["people"], one["data"]["images"]) == (8, 48)
        rank1 = one["retrieval"]["rank_1"]
        assert 0 <= rank1["low"] <= rank1["value"] <= rank1["high"] <= 1
        assert (rank1["n"], rank1["people"]) == (48, 8)
        assert [setting["templates"] for setting in one["open_set"]["by_templates"]] == [1, 2, 4, 8]
    assert ModelCard.read(workshop.fp32).figures["mAP"]["value"] == pytest.approx(
        found["models"][0]["retrieval"]["mAP"]["value"], abs=1e-4
    )


def test_the_report_is_one_file_that_fetches_nothing_and_warns_of_its_pictures(workshop: Workshop) -> None:
    page = (workshop.report / "report.html").read_text()
    assert "This file contains pictures of people" in page
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', page)
    assert len(sources) > 7
    assert all(source.startswith("data:image/") for source in sources)


def test_a_report_without_pictures_has_plots_only(workshop: Workshop, tmp_path: Path) -> None:
    result = invoke("evaluate", "--model", workshop.fp32, "--data", workshop.data, "--out", tmp_path, "--no-pictures")
    page = (tmp_path / "report.html").read_text()
    assert result.exit_code == 0
    assert "data:image/jpeg" not in page and "pictures of people" not in page
    assert page.count("data:image/png") == 6
    assert "none of them trained the model" in page


def test_a_picture_that_cannot_be_read_is_left_out_and_named(workshop: Workshop, tmp_path: Path) -> None:
    drawn_people(tmp_path / "people", people=6, views=4)
    (tmp_path / "people" / "person-001" / "empty.jpg").touch()
    invoke("evaluate", "--model", workshop.fp32, "--data", tmp_path / "people", "--out", tmp_path / "report")
    assert json.loads((tmp_path / "report" / "figures.json").read_text())["models"][0]["data"]["left_out"] == 1
    assert "empty.jpg" in (tmp_path / "report" / "report.html").read_text()


def test_people_who_measure_never_calibrate(workshop: Workshop, tmp_path: Path) -> None:
    dataset, split = read(workshop.data), IdentitySplit.read(workshop.split)
    swapped = replace(split, train=split.held_out, held_out=split.train)
    with pytest.raises(InvalidData, match="trained by another split"):
        package_int8(workshop.fp32, dataset, swapped, tmp_path / "int8.onnx", Calibration(), print)
    assert not (tmp_path / "int8.onnx").exists()


def test_an_int8_model_is_not_quantised_again(workshop: Workshop, tmp_path: Path) -> None:
    dataset, split = read(workshop.data), IdentitySplit.read(workshop.split)
    with pytest.raises(InvalidModel, match="is int8 already"):
        package_int8(workshop.int8, dataset, split, tmp_path / "again.onnx", Calibration(), print)


def test_a_split_of_other_people_is_refused(workshop: Workshop) -> None:
    split = replace(IdentitySplit.read(workshop.split), train=("nobody",))
    with pytest.raises(InvalidData, match="nobody among them"):
        checked_split(read(workshop.data), split)


def test_an_onnx_file_without_a_card_needs_its_scaling_named(workshop: Workshop, tmp_path: Path) -> None:
    bare = tmp_path / "bare.onnx"
    proto = onnx.load(workshop.fp32)
    del proto.metadata_props[:]
    onnx.save(proto, bare)
    with pytest.raises(InvalidModel, match="--scaling"):
        load_model(bare)
    pixels = load_all(read(workshop.data).samples[:3], 64, 32)
    assert np.allclose(load_model(bare, "none").embed(pixels), load_model(workshop.fp32).embed(pixels), atol=1e-5)


def test_a_split_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="is no split"):
        IdentitySplit.read(tmp_path / "absent.json")


@pytest.mark.parametrize("name", ["weights.h5", "absent.onnx", "absent.keras"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidModel):
        load_model(tmp_path / name)
