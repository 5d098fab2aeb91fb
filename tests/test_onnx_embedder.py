import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from onnx import helper

from export.shipping.directions import with_directions
from gallery.bundled.directions import Directions
from gallery.domain import Embedding, EncodedImage, Pixels, Region
from gallery.errors import ImageTooLarge, InvalidModel, InvalidRegion
from gallery.images import ImageLimits
from gallery.onnx_embedder import CHUNK, OnnxEmbedder
from tests.tiny_model import DIMENSION, HEIGHT, WIDTH, golden_sample, tiny_card, tiny_onnx, write_model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model = tiny_onnx()
    return write_model(tmp_path / "tiny.onnx", model, tiny_card(model))


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def random_pixels(n: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(5).integers(0, 256, (n, HEIGHT, WIDTH, 3), dtype=np.uint8)


def test_a_picture_becomes_one_unit_vector_and_each_region_its_own(path: Path) -> None:
    network = OnnxEmbedder(path)
    frame = random_pixels(1)[0]
    (whole,) = network.embed(EncodedImage(png(frame)))
    assert whole.embedding.shape == (DIMENSION,)
    assert whole.embedding.dtype == np.float32
    assert np.linalg.norm(whole.embedding) == pytest.approx(1, abs=1e-5)
    regions = (Region(0, 0, WIDTH, HEIGHT // 2), Region(0, 0, WIDTH, HEIGHT))
    half, again = network.embed(EncodedImage(png(frame), regions))
    assert np.allclose(again.embedding, whole.embedding, atol=1e-6)
    assert not np.allclose(half.embedding, whole.embedding, atol=1e-3)
    assert [person.region for person in (whole, half, again)] == [None, *regions]
    assert [(person.quality.width, person.quality.height) for person in (half, again)] == [
        (WIDTH, HEIGHT // 2),
        (WIDTH, HEIGHT),
    ]


def test_a_long_batch_gives_the_same_rows_as_its_pictures_alone(path: Path) -> None:
    embedder = OnnxEmbedder(path)
    pixels = random_pixels(2 * CHUNK + 3)
    together = embedder.embed_pixels(pixels)
    alone = np.concatenate([embedder.embed_pixels(pixels[row : row + 1]) for row in range(len(pixels))])
    assert together.shape == (len(pixels), DIMENSION)
    assert np.allclose(together, alone, atol=1e-6)
    assert embedder.embed_pixels(pixels[:0]).shape == (0, DIMENSION)


def test_many_threads_may_embed_at_once(path: Path) -> None:
    embedder = OnnxEmbedder(path)
    pixels = random_pixels(64)
    expected = embedder.embed_pixels(pixels)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda picture: embedder.embed_pixels(picture[None])[0], pixels))
    assert np.allclose(np.stack(rows), expected, atol=1e-6)


def test_warming_up_runs_the_largest_batch_for_all_callers_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder, batches, all_are_in = OnnxEmbedder(path), [], threading.Barrier(3, timeout=30)
    run = embedder._run

    def meet(batch: Pixels) -> Embedding:
        all_are_in.wait()
        batches.append(len(batch))
        return run(batch)

    monkeypatch.setattr(embedder, "_run", meet)
    embedder.warm_up(3)
    assert batches == [CHUNK] * 6


def test_a_picture_is_strange_by_the_directions_of_its_model_and_by_nothing_without_them(path: Path) -> None:
    image = EncodedImage(png(random_pixels(1)[0]), (Region(0, 0, WIDTH, HEIGHT // 2), Region(0, 0, WIDTH, HEIGHT)))
    unknown = OnnxEmbedder(path).embed(image)
    assert [person.quality.strangeness for person in unknown] == [None, None]
    rows = np.eye(3, DIMENSION, dtype=np.float32)
    path.write_bytes(with_directions(path.read_bytes(), Directions(rows, 0.5)))
    known = OnnxEmbedder(path).embed(image)
    expected = [1 - float(np.square(person.embedding[:3]).sum()) for person in known]
    assert [person.quality.strangeness for person in known] == pytest.approx(expected, abs=1e-6)


def test_a_refused_region_is_the_callers_error_not_the_models(path: Path) -> None:
    with pytest.raises(InvalidRegion):
        OnnxEmbedder(path).embed(EncodedImage(png(random_pixels(1)[0]), (Region(500, 0, 5, 5),)))


def test_the_callers_limits_on_pictures_hold(path: Path) -> None:
    embedder = OnnxEmbedder(path, limits=ImageLimits(max_pixels=HEIGHT * WIDTH - 1))
    with pytest.raises(ImageTooLarge):
        embedder.embed(EncodedImage(png(random_pixels(1)[0])))


def test_the_golden_check_passes_on_a_true_file_and_tells_the_distance(path: Path) -> None:
    assert OnnxEmbedder(path).check_golden() < 1e-6


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="cannot be read"):
        OnnxEmbedder(tmp_path / "absent.onnx")


def test_a_file_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="has no model card"):
        OnnxEmbedder(write_model(tmp_path / "bare.onnx", tiny_onnx(), None))


def test_a_card_with_a_wrong_digest_is_refused(tmp_path: Path) -> None:
    model = tiny_onnx()
    card = tiny_card(model).model_copy(update={"digest": "0" * 64})
    with pytest.raises(InvalidModel, match="is not the file its card describes"):
        OnnxEmbedder(write_model(tmp_path / "other.onnx", model, card))


def test_a_torn_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InvalidModel):
        OnnxEmbedder(path)


def test_one_flipped_bit_in_the_weights_is_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"weights") + 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidModel, match="digest"):
        OnnxEmbedder(path)


@pytest.mark.parametrize("update", [{"height": HEIGHT * 2}, {"width": WIDTH + 1}, {"dimension": DIMENSION - 1}])
def test_a_card_that_does_not_fit_its_graph_is_refused(tmp_path: Path, update: dict[str, int]) -> None:
    model = tiny_onnx()
    with pytest.raises(InvalidModel, match="as its card says"):
        OnnxEmbedder(write_model(tmp_path / "unfit.onnx", model, tiny_card(model).model_copy(update=update)))


def test_an_output_of_another_name_is_refused(tmp_path: Path) -> None:
    model = tiny_onnx(output_name="features")
    with pytest.raises(InvalidModel, match="'embedding'"):
        OnnxEmbedder(write_model(tmp_path / "named.onnx", model, tiny_card(model)))


def test_a_graph_that_onnx_runtime_cannot_load_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph([helper.make_node("NoSuchOperator", ["images"], ["embedding"])], "g", [], [])
    model = bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString())
    card = tiny_card(tiny_onnx())
    with pytest.raises(InvalidModel):
        OnnxEmbedder(write_model(tmp_path / "broken.onnx", model, card))


def test_a_model_whose_golden_embedding_differs_is_refused(tmp_path: Path) -> None:
    model, other = tiny_onnx(), tiny_onnx(seed=9)
    picture = random_pixels(1)[0]
    card = tiny_card(model).model_copy(update={"golden": (golden_sample(other, picture),)})
    with pytest.raises(InvalidModel, match="golden picture 0"):
        OnnxEmbedder(write_model(tmp_path / "drifted.onnx", model, card))


def test_a_golden_embedding_that_is_no_number_is_refused(tmp_path: Path) -> None:
    model = tiny_onnx()
    sample = tiny_card(model).golden[0].model_copy(update={"embedding": (0.0,) * DIMENSION})
    card = tiny_card(model).model_copy(update={"golden": (sample,)})
    with pytest.raises(InvalidModel, match="golden picture 0"):
        OnnxEmbedder(write_model(tmp_path / "zero.onnx", model, card))


def test_a_golden_embedding_of_another_length_is_refused(tmp_path: Path) -> None:
    model = tiny_onnx()
    sample = tiny_card(model).golden[0].model_copy(update={"embedding": (1.0,)})
    card = tiny_card(model).model_copy(update={"golden": (sample,)})
    with pytest.raises(InvalidModel, match="has 1 numbers"):
        OnnxEmbedder(write_model(tmp_path / "short.onnx", model, card))


@pytest.mark.parametrize("content", ["not base64!", base64.b64encode(b"not a picture").decode()])
def test_a_golden_picture_that_cannot_be_read_is_refused(tmp_path: Path, content: str) -> None:
    model = tiny_onnx()
    sample = tiny_card(model).golden[0].model_copy(update={"image_png_base64": content})
    card = tiny_card(model).model_copy(update={"golden": (sample,)})
    with pytest.raises(InvalidModel, match="cannot be read"):
        OnnxEmbedder(write_model(tmp_path / "unread.onnx", model, card))


def test_a_card_without_golden_pictures_is_refused(tmp_path: Path) -> None:
    model = tiny_onnx()
    card = tiny_card(model).model_copy(update={"golden": ()})
    with pytest.raises(InvalidModel, match="no golden pictures"):
        OnnxEmbedder(write_model(tmp_path / "unproved.onnx", model, card))
