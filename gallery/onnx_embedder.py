"""The network on ONNX Runtime: pictures in, unit vectors out, from a file that has proved itself first.

One session serves every calling thread (`InferenceSession.run` is thread-safe and releases the GIL): several
callers with one intra-op thread each go further on a CPU than one caller with many threads.
"""

import base64
import binascii
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gallery import images, quality
from gallery.bundled.cohort import cohort_of
from gallery.bundled.directions import Directions
from gallery.domain import QUALITY_HEIGHT, QUALITY_WIDTH, Embedded, Embedding, EncodedImage, Pixels, Quality
from gallery.errors import GalleryError, InvalidModel
from gallery.model_card import ModelCard

Took: TypeAlias = Callable[[str, float], None]

OUTPUT_NAME = "embedding"
# Pictures that go through the network at once, at most. Four are 10% cheaper than one by one at 192x96, 20% at 128x64;
# eight and sixteen are no cheaper, and take two and almost five times the memory.
CHUNK = 4

# How far (cosine distance) a golden picture's embedding may lie from the one on the card. fp32 differs between CPUs
# by rounding alone. int8 sums of 8-bit weights saturate on CPUs without VNNI (onnxruntime#5849): one such file's
# golden pictures lay 0.07 away on an emulated Haswell, and real ones up to 0.28; one with 7-bit weights, and fp32,
# lay where they were. So int8 is allowed a little more than rounding, and a file for another kind of CPU is refused.
GOLDEN_TOLERANCE = {"fp32": 1e-4, "int8": 2e-2}

_UNIT_TOLERANCE = 1e-3


class OnnxEmbedder:
    """A `gallery.ports.Network` on the CPU. The constructor refuses, with InvalidModel, a file that fails a check."""

    def __init__(
        self, path: Path, *, limits: images.ImageLimits = images.DEFAULT_LIMITS, took: Took | None = None
    ) -> None:
        """Read the model, verify its card and digest, its inputs and outputs, and run the golden check.

        ``limits`` are what a picture may cost; ``took`` is told, in the calling thread, how long "decode" and
        "inference" took. ``cohort`` is the strangers that the file brings, if any.
        """
        self._name = str(path)
        self._limits = limits
        self._took = took
        try:
            model = path.read_bytes()
        except OSError as error:
            raise InvalidModel(
                f"the model {path} cannot be read ({error.strerror})", expected="an ONNX file with a model card"
            ) from error
        self._card = ModelCard.of(model, self._name)
        self.cohort = cohort_of(model, self._name)
        directions = Directions.of(model, self._name)
        self._directions = None if directions is None else directions.rows
        self._session = open_session(model, self._name)
        self._input_name = self._checked_signature()
        self._buffers = threading.local()
        self.check_golden()

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""
        return self._card

    def embed(self, image: EncodedImage) -> tuple[Embedded, ...]:
        """Decode once; embed each region (or the whole) and measure its quality.

        Raises InvalidImage, ImageTooLarge and InvalidRegion, as `gallery.images.people_of` does.
        """
        (outcome,) = self.embed_all((image,))
        if isinstance(outcome, GalleryError):
            raise outcome
        return outcome

    def embed_all(self, encoded: Sequence[EncodedImage]) -> list[tuple[Embedded, ...] | GalleryError]:
        """Decode each image once, and run the network on the people of all of them together.

        What `embed` would raise for an image stands in its place.
        """
        begun = time.perf_counter()
        batch = _Batch(self._run, self._buffer(), self._directions)
        refused = [self._add_people(image, batch) for image in encoded]
        batch.run()
        if self._took is not None and batch.rows:
            decoding = time.perf_counter() - begun - batch.seconds
            for _ in encoded:
                self._took("decode", decoding / len(encoded))
                self._took("inference", batch.seconds / len(encoded))
        measured: Iterable[Quality] = batch.qualities
        if self._directions is not None:
            measured = map(quality.with_strangeness, batch.qualities, batch.strange)
        found = zip(batch.rows, measured, strict=True)
        return [
            tuple(
                Embedded(region, row, self._card.digest, how)
                for region, (row, how) in zip(image.regions or (None,), found, strict=False)  # its share of them
            )
            if error is None
            else error
            for image, error in zip(encoded, refused, strict=True)
        ]

    def _add_people(self, image: EncodedImage, batch: "_Batch") -> GalleryError | None:
        """Return what is wrong with the image; nobody of it is in the batch then."""
        height, width = self._card.height, self._card.width
        try:
            people = images.people_of(image.content, image.regions, height, width, self._limits)
        except GalleryError as error:
            return error
        for person in people:
            fitted = batch.add(person)
            if height < QUALITY_HEIGHT or width < QUALITY_WIDTH:
                fitted = images.fit_to_measure(person.pixels, height, width)
            batch.qualities.append(quality.measure(fitted, person.size))
        return None

    def embed_pixels(self, pixels: Pixels) -> Embedding:
        """Embed prepared pictures, uint8 RGB [n, height, width, 3]: float32 [n, dimension], unit rows."""
        rows = [
            self._run(np.ascontiguousarray(pixels[start : start + CHUNK])) for start in range(0, len(pixels), CHUNK)
        ]
        return np.concatenate(rows) if rows else np.empty((0, self._card.dimension), np.float32)

    def warm_up(self, callers: int) -> None:
        """Run the largest batch on so many threads at once: what memory the session will ever need it has then."""
        largest = np.zeros((CHUNK, self._card.height, self._card.width, 3), np.uint8)
        with ThreadPoolExecutor(callers) as pool:
            list(pool.map(self._run, [largest] * callers * 2))  # twice, so that none is done before others begin

    def _run(self, batch: Pixels) -> Embedding:
        found: Embedding = self._session.run([OUTPUT_NAME], {self._input_name: batch})[0]
        return found

    def _buffer(self) -> Pixels:
        """Give the calling thread's own batch to fill."""
        try:
            batch: Pixels = self._buffers.batch
        except AttributeError:
            batch = self._buffers.batch = np.empty((CHUNK, self._card.height, self._card.width, 3), np.uint8)
        return batch

    def check_golden(self) -> float:
        """Embed the card's golden pictures again; return the largest cosine distance to what the card says.

        Raises InvalidModel when there are none, or when one lies further away than GOLDEN_TOLERANCE.
        """
        if not self._card.golden:
            raise InvalidModel(
                f"the model card of {self._name} has no golden pictures: nothing shows that it computes what it should",
                remedy="export it with gallery-export, which keeps them in the card",
            )
        tolerance = GOLDEN_TOLERANCE[self._card.precision]
        worst = 0.0
        for number, sample in enumerate(self._card.golden):
            found = self._embed_golden(number, sample.image_png_base64)
            expected = np.asarray(sample.embedding, np.float64)
            if expected.shape != found.shape:
                raise InvalidModel(
                    f"golden embedding {number} of {self._name} has {len(expected)} numbers", expected=str(len(found))
                )
            distance = 1.0 - float(found @ expected) / max(float(np.linalg.norm(expected)), 1e-12)
            if not (distance <= tolerance and abs(float(np.linalg.norm(found)) - 1.0) <= _UNIT_TOLERANCE):
                raise InvalidModel(
                    f"{self._name} does not compute here what it computed when it was exported: golden picture "
                    f"{number} lies {distance:.2g} from its embedding",
                    expected=f"a unit vector at most {tolerance:g} away ({self._card.precision})",
                    remedy="get the file again, or export it again on a machine like this one",
                )
            worst = max(worst, distance)
        return worst

    def _embed_golden(self, number: int, picture: str) -> NDArray[np.float64]:
        try:
            content = base64.b64decode(picture, validate=True)
            pixels = images.prepare(content, (), self._card.height, self._card.width)
            return np.asarray(self.embed_pixels(pixels)[0], np.float64)
        except (binascii.Error, GalleryError) as error:
            raise InvalidModel(f"golden picture {number} of {self._name} cannot be read: {error}") from error

    def _checked_signature(self) -> str:
        card, inputs, outputs = self._card, self._session.get_inputs(), self._session.get_outputs()
        by_name = {output.name: (output.type, output.shape[1:]) for output in outputs}
        found_in = [(node.type, node.shape[1:]) for node in inputs]
        if found_in != [("tensor(uint8)", [card.height, card.width, 3])] or isinstance(inputs[0].shape[0], int):
            raise InvalidModel(
                f"{self._name} takes {[(node.name, node.type, node.shape) for node in inputs]}",
                expected=f"one tensor(uint8) of [any batch, {card.height}, {card.width}, 3], as its card says",
            )
        if by_name.get(OUTPUT_NAME) != ("tensor(float)", [card.dimension]):
            raise InvalidModel(
                f"{self._name} gives {[(node.name, node.type, node.shape) for node in outputs]}",
                expected=f"'{OUTPUT_NAME}', tensor(float) of [batch, {card.dimension}], as its card says",
            )
        return str(inputs[0].name)


class _Batch:
    """People on their way through the network: their ``rows`` and ``qualities``, and the ``seconds`` it has run.

    With ``directions``, also how ``strange`` each row is.
    """

    def __init__(self, network: Callable[[Pixels], Embedding], buffer: Pixels, directions: Embedding | None) -> None:
        self._network = network
        self._buffer = buffer
        self._directions = directions
        self._filled = 0
        self.rows: list[Embedding] = []
        self.qualities: list[Quality] = []
        self.strange: list[float] = []
        self.seconds = 0.0

    def add(self, person: images.Person) -> Pixels:
        """Fit a person for the network; return the pixels that it will see, which are good until the next is added."""
        if self._filled == len(self._buffer):
            self.run()
        picture: Pixels = self._buffer[self._filled]
        self._filled += 1
        return images.fit(person.pixels, picture.shape[0], picture.shape[1], picture)

    def run(self) -> None:
        """Embed those that were added since it last ran."""
        if self._filled:
            begun = time.perf_counter()
            rows = self._network(self._buffer[: self._filled])
            self.seconds += time.perf_counter() - begun
            self._filled = 0
            self.rows.extend(rows)
            if self._directions is not None:
                self.strange.extend(quality.strangeness(rows, self._directions))


def open_session(model: bytes, name: str) -> onnxruntime.InferenceSession:
    """Open a session on one thread of the CPU; raises InvalidModel.

    Measured: level ALL is 2.3x as fast as EXTENDED (it blocks the layout), spinning wastes 20-40% of a CPU, and the
    arena is worth 28% at batch 8. Planning each batch size's memory as one block takes twice the memory (two callers,
    batches of one to four: 39 MB, 21 without) and saves nothing at batch 1, 1% at batch 4.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3  # what fails is raised, not logged
    try:
        return onnxruntime.InferenceSession(
            model,
            options,
            providers=["CPUExecutionProvider"],
            # It rounds float weights between int8 neighbours a tensor: what an int8 model keeps in float stays float.
            disabled_optimizers=["WeightBiasQuantization"],
        )
    except Exception as error:  # ONNX Runtime raises nine unrelated classes
        raise InvalidModel(f"ONNX Runtime cannot load {name}: {error}", remedy="export it again") from error
