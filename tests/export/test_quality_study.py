import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from export.cli.quality import register
from export.data.splits import IdentitySplit
from export.errors import InvalidData
from export.evaluation.models import Model
from export.metrics.intervals import bootstrap_mean
from export.metrics.retrieval import Labels
from export.shipping.directions import learned, with_directions
from export.shipping.to_onnx import with_card
from export.studies.degradations import all_degradations
from export.studies.quality_study import People, Row, Study, difference, study
from gallery.bundled.directions import Directions
from gallery.domain import Embedding, Pixels, QualityReason
from tests.tiny_model import tiny_card, tiny_onnx

PEOPLE, CAMERAS = 8, 3


def a_person(person: int, camera: int) -> Pixels:
    """Stripes that are the person's own, under a camera's light and noise."""
    own, seen = np.random.default_rng(person), np.random.default_rng(100 * person + camera)
    stripes = np.repeat(np.repeat(own.integers(30, 226, (16, 8, 3)), 8, axis=0), 8, axis=1).astype(np.float64)
    return np.clip(stripes + 5 * camera + seen.normal(0, 12, stripes.shape), 0, 255).astype(np.uint8)


def embed(pixels: Pixels) -> Embedding:
    """Compare pictures as 16 x 8 cells, less the middle grey."""
    cells = np.stack([cv2.resize(picture, (8, 16), interpolation=cv2.INTER_AREA) for picture in pixels])
    flat = cells.reshape(len(pixels), -1).astype(np.float32) - 127.5
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), np.float32)


MODEL = Model("cells", 128, 64, embed)


def people(cameras: Sequence[int] = range(CAMERAS)) -> People:
    shown = [(person, camera) for person in range(PEOPLE) for camera in cameras]
    labels = Labels.of([str(person) for person, _ in shown], [str(camera) for _, camera in shown])
    return People([a_person(*one) for one in shown], labels)


def directions() -> Directions:
    training = embed(np.stack([a_person(person, 0) for person in range(50, 80)]))
    return learned(training, embed(np.stack(people().pictures)))


@pytest.fixture(scope="module")
def found() -> Study:
    return study(MODEL, people(), directions())


def named(rows: Sequence[Row], name: str) -> Row:
    return next(row for row in rows if row.name == name)


def test_every_reason_has_a_degradation_that_should_meet_it() -> None:
    assert {one.reason for one in all_degradations()} == set(QualityReason)


@pytest.mark.parametrize("size", [(128, 64), (77, 31), (240, 120)])
def test_a_degraded_picture_is_still_a_picture_and_the_good_one_is_untouched(size: tuple[int, int]) -> None:
    good = cv2.resize(a_person(0, 0), size[::-1]).astype(np.uint8)
    before = good.copy()
    for one in all_degradations():
        bad = one.change(good, np.random.default_rng(0))
        assert bad.dtype == np.uint8, one.name
        assert bad.ndim == 3 and bad.shape[2] == 3 and bad.size > 0, one.name
    assert np.array_equal(good, before)


def test_exposure_does_what_its_gain_says() -> None:
    by_name = {one.name: one for one in all_degradations()}
    random, good = np.random.default_rng(0), a_person(0, 0)
    for name, gain in (("underexposed, gain 0.5", 0.5), ("overexposed, gain 2", 2.0), ("overexposed, gain 4", 4.0)):
        bad = by_name[name].change(good, random)
        assert np.abs(bad - np.clip(good * gain, 0, 255)).mean() < 2, name


def test_what_ruins_a_picture_raises_its_errors_and_what_does_not_is_not_blamed(found: Study) -> None:
    assert found.clean[0].value == 0.0
    for name in ("upside down", "one colour", "noise"):
        row = named(found.degraded, name)
        assert row.increase[0].low > 0, name
        assert row.increase[0].value == pytest.approx(row.rates[0].value)
    assert named(found.degraded, "out of focus, sigma 0.5").increase[0].value == 0.0


def test_a_row_tells_what_was_measured_and_what_the_limits_refuse(found: Study) -> None:
    narrow = named(found.degraded, "scaled to width 12")
    assert narrow.measured == (12.0, 12.0, 12.0)
    assert narrow.refused == (1.0, 1.0)
    assert narrow.caught is not None and (narrow.caught.value, narrow.caught.n) == (1.0, PEOPLE * CAMERAS)
    assert named(found.natural, "brightness, 25% to 75%").caught is None
    assert set(found.ordinary) == {*QualityReason, "any reason"}
    assert found.ordinary["too_small"] == (0.0, 0.0)


def test_natural_variation_is_cut_into_pictures_that_add_up(found: Study) -> None:
    by_measure = {row.measure for row in found.natural}
    assert by_measure == {"sharpness", "brightness", "contrast", "strangeness"}  # all are of one size and shape
    for name in by_measure:
        rows = [row for row in found.natural if row.measure == name]
        assert sum(row.rates[0].n for row in rows) == PEOPLE * CAMERAS


def test_people_seen_by_one_camera_cannot_be_missed_and_are_refused() -> None:
    with pytest.raises(InvalidData, match="two cameras"):
        study(MODEL, people(cameras=[0]), directions())


def test_a_difference_is_between_inside_and_outside() -> None:
    values = np.asarray([1.0, 1, 0, 0, 0, 1, 0, 0])
    inside = np.asarray([True, True, True, False, False, False, False, False])
    found = difference(values, inside, np.arange(8))
    assert found.value == pytest.approx(2 / 3 - 1 / 5)
    assert found.low < found.value < found.high
    assert found.n == 3


def test_a_difference_of_independent_halves_has_the_interval_of_their_variances() -> None:
    values = np.random.default_rng(0).normal(size=4000)
    inside = np.arange(4000) % 2 == 0
    found = difference(values, inside, np.arange(4000))
    alone = bootstrap_mean(values[inside], np.arange(2000), "pictures")
    assert found.high - found.low == pytest.approx(np.sqrt(2) * (alone.high - alone.low), rel=0.15)


@pytest.mark.parametrize("bundled", [True, False], ids=["directions of the file", "directions learned"])
def test_the_command_measures_labelled_pictures(tmp_path: Path, bundled: bool) -> None:
    manifest = ["path,identity,camera"]
    for person in range(PEOPLE):
        for camera in range(CAMERAS):
            name = f"{person}_{camera}.png"
            cv2.imwrite(str(tmp_path / name), a_person(person, camera)[..., ::-1])
            manifest.append(f"{name},{person},{camera}")
    (tmp_path / "people.csv").write_text("\n".join(manifest))
    IdentitySplit(0, ("0", "1"), tuple(map(str, range(2, PEOPLE)))).write(tmp_path / "split.json")
    model = with_card(tiny_onnx(), tiny_card(tiny_onnx()))
    given = Directions(np.eye(2, 8, dtype=np.float32), 0.25)
    (tmp_path / "tiny.onnx").write_bytes(with_directions(model, given) if bundled else model)
    app = Typer()
    register(app)
    paths = [str(tmp_path / name) for name in ("tiny.onnx", "people.csv")]
    done = CliRunner().invoke(app, [*paths, "--split", str(tmp_path / "split.json"), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["clean"][0]["n"] == (PEOPLE - 2) * CAMERAS
    assert len(found["degraded"]) == len(all_degradations())
    shown = CliRunner().invoke(app, [*paths, "--split", str(tmp_path / "split.json")], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    for words in ("upside down", "brightness, 0% to 2%", "unlike_a_person"):
        assert words in shown.stdout
