"""What the benchmarks of the service share: pictures, a gallery of templates, a server, and the loop it is held to.

The loop is the least that identification can be: decode, resize, ONNX Runtime, a product with a matrix; as many
threads as the server has workers, no queue, no network, no store.
"""

import multiprocessing
import queue
import resource
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from gallery.cli.demo_server import started
from gallery.domain import Embedding, Gallery, Template, TemplateInfo
from gallery.drawn_people import draw_person
from gallery.edge_store import EdgeStore
from gallery.model_card import ModelCard
from gallery.onnx_embedder import OUTPUT_NAME, open_session
from gallery.settings import BUNDLED_MODEL

WORKERS = 2
GALLERY, ENROLLED_INTO = "bench", "bench-enrolled-into"
PEOPLE, EACH_HAS = 1000, 5
CANDIDATES = 5

_HEIGHT, _WIDTH = 200, 100  # of a crop as detectors cut them: larger than the model's input, less than twice
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Rig:
    """A server on a store with two galleries, their embeddings [templates, dimension], and pictures to ask with."""

    address: str
    server: int  # its process
    pictures: tuple[bytes, ...]
    matrix: Embedding

    @property
    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time so far, of the server and of its store's process."""
        return _cpu_of(self.server), sum(map(_cpu_of, _children(self.server)))

    @property
    def memory(self) -> tuple[int, int]:
        """Bytes of memory that are the server's alone and its store's process's alone, files that they map included."""
        return _private(self.server), sum(map(_private, _children(self.server)))


@contextmanager
def rigged(folder: Path, *flags: str) -> Iterator[Rig]:
    """Fill a store, start a server on it, and stop it at the end."""
    import asyncio  # noqa: PLC0415

    card = ModelCard.of(BUNDLED_MODEL.read_bytes(), str(BUNDLED_MODEL))
    random = np.random.default_rng(0)
    rows = random.normal(size=(PEOPLE * EACH_HAS, card.dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    asyncio.run(_fill(folder / "store", card, rows))
    pictures = tuple(_jpeg(person) for person in range(64))
    with started(folder / "store", None, "--workers", str(WORKERS), *flags) as server:
        yield Rig(server.address, server.process.pid, pictures, rows)


@contextmanager
def callers() -> Iterator[ProcessPoolExecutor]:
    """Give those who call a process of their own: they share no interpreter with the server or the loop."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@dataclass(frozen=True, slots=True)
class Pace:
    """How many pictures were answered in how many seconds, with how much CPU time of this process."""

    pictures: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / self.seconds


class Loop:
    """The loop in this process; `once` is one picture from bytes to the nearest templates."""

    def __init__(self, matrix: Embedding) -> None:
        self._session = open_session(BUNDLED_MODEL.read_bytes(), str(BUNDLED_MODEL))
        node = self._session.get_inputs()[0]
        self._name, (self._height, self._width) = node.name, node.shape[1:3]
        self._matrix = matrix

    def once(self, content: bytes) -> tuple[list[int], float]:
        """Return the nearest templates, nearest first, and the nearest's cosine distance."""
        vector = self.embed(content)
        similarities = self._matrix @ vector
        nearest = np.argpartition(-similarities, CANDIDATES)[:CANDIDATES]
        order = nearest[np.argsort(-similarities[nearest])]
        return order.tolist(), 1.0 - float(similarities[order[0]])

    def embed(self, content: bytes) -> Embedding:
        """Return the embedding, float32 [dimension]."""
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert image is not None
        small = cv2.resize(image, (self._width, self._height), interpolation=cv2.INTER_AREA)
        return np.asarray(self._session.run([OUTPUT_NAME], {self._name: small[None]})[0][0], np.float32)

    def run(self, pictures: Sequence[bytes], seconds: float, work: Callable[[bytes], object] | None = None) -> Pace:
        """Go round the pictures on WORKERS threads for a while."""
        work = self.once if work is None else work
        end = time.perf_counter() + seconds
        done: queue.SimpleQueue[int] = queue.SimpleQueue()

        def go_round() -> None:
            count = 0
            while time.perf_counter() < end:
                work(pictures[count % len(pictures)])
                count += 1
            done.put(count)

        threads = [threading.Thread(target=go_round) for _ in range(WORKERS)]
        begun, cpu = time.perf_counter(), cpu_of_this_process()
        with ExitStack() as stack:
            stack.enter_context(threadpool_limits(1))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        took = time.perf_counter() - begun
        return Pace(sum(done.get() for _ in threads), took, cpu_of_this_process() - cpu)


def cpu_of_this_process() -> float:
    """Return the CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _fill(folder: Path, card: ModelCard, rows: Embedding) -> None:
    store = EdgeStore(folder)
    try:
        for name in (GALLERY, ENROLLED_INTO):
            await store.create_gallery(Gallery(name, card.digest, card.name, card.dimension, _NOW))
            for begin in range(0, len(rows), 1000):
                some = range(begin, min(begin + 1000, len(rows)))
                await store.put(name, [Template(_info(card, place), rows[place]) for place in some])
    finally:
        await store.close()


def _info(card: ModelCard, place: int) -> TemplateInfo:
    template_id = uuid.uuid5(uuid.NAMESPACE_OID, str(place))
    return TemplateInfo(template_id, f"person-{place // EACH_HAS}", card.digest, "0" * 64, _NOW)


def _jpeg(person: int) -> bytes:
    picture = draw_person(person, 0, height=_HEIGHT, width=_WIDTH)
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _cpu_of(process: int) -> float:
    return time.clock_gettime(~process << 3 | 2)  # clock_getcpuclockid(3); /proc counts in steps of 10 ms


def _private(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))
