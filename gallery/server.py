"""The one place that names the adapters: builds the gallery from its settings, serves it, and shuts it down."""

import asyncio
import base64
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gallery.access import Guard, KeyFile, Keyring, check_exposure, current_caller
from gallery.audit import AuditLog
from gallery.domain import EncodedImage
from gallery.edge_store import EdgeStore
from gallery.errors import GalleryError
from gallery.health import Health
from gallery.images import ImageLimits, settle_decoders
from gallery.onnx_embedder import OnnxEmbedder
from gallery.ports import Embedder, Observer, TemplateStore
from gallery.qdrant_store import QdrantOptions, QdrantStore
from gallery.rpc import GalleryServicer
from gallery.rpc.auditing import Auditor
from gallery.rpc.guarding import AccessInterceptor
from gallery.rpc.listening import listen
from gallery.scheduler import Scheduler
from gallery.settings import Settings
from gallery.telemetry.assembled import telemetry_of
from gallery.telemetry.calls import CallObserver
from gallery.telemetry.counts import CountGauges
from gallery.telemetry.endpoint import metrics_served
from gallery.telemetry.gauges import HealthGauges, LoadGauges
from gallery.telemetry.metrics import Metrics
from gallery.telemetry.watched import Watch, WatchedEmbedder, watched_store
from gallery.use_cases import Caretaker, GalleryUseCases, TrustedClock
from gallery.use_cases.base import everything
from gallery.v1 import gallery_service_pb2 as pb
from gallery.v1.gallery_service_pb2_grpc import add_GalleryServiceServicer_to_server

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["GalleryService"].full_name

_SECONDS_BETWEEN_WALKS = 60.0
_SECONDS_BETWEEN_LOOKS_AT_KEYS = 1.0
_MESSAGE_OVERHEAD = 2**16  # ids, regions and framing beside the pictures

# Milliseconds. A stream may be silent for as long as it likes, so a dead peer is found by pings.
_PING_AFTER, _PONG_WITHIN, _PINGED_AT_MOST = 60_000, 20_000, 10_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunningServer:
    """A server that answers at ``address`` (host:port)."""

    address: str
    model_name: str
    store_name: str
    metrics_address: str | None = None


@dataclass(frozen=True)
class Opened:
    """The use cases, and what they stand on."""

    use_cases: GalleryUseCases
    store: TemplateStore
    embedder: Embedder
    scheduler: Scheduler
    network: OnnxEmbedder


@asynccontextmanager
async def opened(
    settings: Settings,
    watch: Watch | None = None,
    observer: Observer | None = None,
    sees: Callable[[str], bool] = everything,
) -> AsyncIterator[Opened]:
    """Open the model and the store and put the use cases on top; raises InvalidModel, StoreUnavailable.

    ``watch`` is told of the stages of their work, ``observer`` of what became of people and images; ``sees`` says
    whether whoever asks may know of a gallery.
    """
    async with AsyncExitStack() as stack:
        settle_decoders()
        limits = ImageLimits(max_bytes=settings.max_image_bytes)
        took = None if watch is None else watch.took
        network = await asyncio.to_thread(OnnxEmbedder, settings.model, limits=limits, took=took)
        store = open_store(settings)
        stack.push_async_callback(store.close)
        await store.check()
        scheduler = Scheduler(
            network,
            workers=settings.workers,
            queue=settings.queue,
            timeout=settings.worker_timeout,
            nice=settings.worker_nice,
        )
        stack.push_async_callback(scheduler.close, settings.grace)
        embedder: Embedder = scheduler
        if watch is not None:
            embedder, store = WatchedEmbedder(scheduler, watch), watched_store(store, watch)
        use_cases = GalleryUseCases(embedder, store, network.cohort, observer=observer, sees=sees)
        yield Opened(use_cases, store, embedder, scheduler, network)


def open_store(settings: Settings) -> TemplateStore:
    """Choose the store: the Qdrant server when a URL is set, else the embedded engine in its folder."""
    if settings.qdrant_url is None:
        return EdgeStore(settings.store)
    return open_qdrant(settings, settings.qdrant_url)


def open_qdrant(settings: Settings, url: str) -> QdrantStore:
    """Open the store on the Qdrant server at ``url``, with all else as the settings say."""
    key = None if settings.qdrant_api_key is None else settings.qdrant_api_key.get_secret_value()
    options = QdrantOptions(
        ca_file=settings.qdrant_ca_file,
        shard_number=settings.qdrant_shards,
        replication_factor=settings.qdrant_replicas,
        write_consistency_factor=settings.qdrant_write_consistency,
        int8=settings.qdrant_quantization == "int8",
    )
    return QdrantStore(url, key, grpc_port=settings.qdrant_grpc_port, options=options)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[RunningServer]:
    """Serve until the block ends, then drain: health first, calls in flight finished, the store closed.

    Raises, before anything is opened, InvalidParameter for a server that would be open to everybody unsaid.
    """
    check_exposure(settings)
    async with AsyncExitStack() as stack:
        telemetry = await stack.enter_async_context(telemetry_of(settings))
        gallery = await stack.enter_async_context(opened(settings, telemetry.watch, telemetry.metrics, _caller_sees))
        await asyncio.to_thread(gallery.network.warm_up, settings.workers)
        access = await stack.enter_async_context(guarded(settings, gallery.scheduler.check_room))
        server = grpc.aio.server(
            interceptors=[CallObserver(*telemetry.listeners), access], options=_server_options(settings)
        )
        servicer = GalleryServicer(gallery.use_cases, stream_items=settings.stream_items)
        add_GalleryServiceServicer_to_server(servicer, server)
        health_of_all = Health(SERVICE_NAME, {"model": _warmed_up(gallery.embedder), "store": gallery.store.check})
        health_pb2_grpc.add_HealthServicer_to_server(health_of_all.servicer, server)
        names = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        address = listen(server, settings)
        metrics_address = _serve_metrics(stack, settings, telemetry.metrics, gallery, health_of_all)
        await health_of_all.begin()
        await server.start()
        await health_of_all.look()
        caretaker = Caretaker(gallery.use_cases, gallery.store, TrustedClock())
        background = [
            asyncio.create_task(health_of_all.keep()),
            asyncio.create_task(every(_SECONDS_BETWEEN_WALKS, "looking after the galleries", caretaker.walk)),
        ]
        try:
            store_name = settings.qdrant_url or str(settings.store)
            yield RunningServer(address, settings.model.name, store_name, metrics_address)
        finally:
            for task in background:
                task.cancel()
            await health_of_all.leave()
            await asyncio.sleep(settings.settle)
            servicer.drain()
            health_of_all.drain()
            await server.stop(settings.grace)


@asynccontextmanager
async def guarded(settings: Settings, check_room: Callable[[], None]) -> AsyncIterator[AccessInterceptor]:
    """Read the keys and open the audit log, and stand before the servicers with both; raises InvalidParameter.

    ``check_room`` raises when a picture that came now would be refused.
    """
    keyring = None if settings.keys is None else await asyncio.to_thread(Keyring, KeyFile(settings.keys))
    log = None if settings.audit is None else await asyncio.to_thread(AuditLog, settings.audit)

    async def refresh() -> None:
        if keyring is not None:
            await asyncio.to_thread(keyring.refresh)

    refreshing = asyncio.create_task(every(_SECONDS_BETWEEN_LOOKS_AT_KEYS, "reading the keys again", refresh))
    try:
        yield AccessInterceptor(Guard(keyring), Auditor(log, everything=settings.audit_calls == "all"), check_room)
    finally:
        refreshing.cancel()
        if log is not None:
            await log.close()
            _log.info("the audit log ends with line %d, hash %s", log.head.number, log.head.hash)


async def serve(settings: Settings, ready: Callable[[RunningServer], None]) -> None:
    """Serve until SIGTERM or SIGINT, and drain; a second one ends the process at once.

    ``ready`` is told once the server answers and its health has been looked at.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, stop, number)
    async with running(settings) as server:
        _log.info("serving on %s, model %s, store %s", server.address, server.model_name, server.store_name)
        if server.metrics_address is not None:
            _log.info("metrics at http://%s/metrics", server.metrics_address)
        gc.collect()
        gc.freeze()  # what is here now stays: to look through all of it again would stop every call for 0.1 s
        ready(server)
        await stop.wait()
        _log.info("stopping: finishing the calls in flight, at most %g s", settings.settle + settings.grace)
    _log.info("stopped")


def _stop(stop: asyncio.Event, number: signal.Signals) -> None:
    if stop.is_set():
        _log.warning("%s again: ending at once; what was acknowledged is kept", number.name)
        os._exit(128 + number)
    stop.set()


def _serve_metrics(
    stack: AsyncExitStack, settings: Settings, metrics: Metrics, gallery: Opened, health_of_all: Health
) -> str | None:
    """Serve the metrics, if the settings say where, until the stack is left; returns the address."""
    if settings.metrics_listen is None:
        return None
    card = gallery.embedder.card
    metrics.about(version("identity-gallery"), card.name, card.digest)
    metrics.registry.register(CountGauges(gallery.store, metrics.name_of))
    metrics.registry.register(LoadGauges(gallery.scheduler.load))
    metrics.registry.register(HealthGauges(health_of_all.parts, lambda: health_of_all.troubles))
    return stack.enter_context(metrics_served(metrics.registry, settings.metrics_listen))


def _warmed_up(embedder: Embedder) -> Callable[[], Awaitable[object]]:
    """Make the check of the model and its workers: a golden picture of the card's, taken the way that every one is."""
    golden = EncodedImage(base64.b64decode(embedder.card.golden[0].image_png_base64))
    return lambda: embedder.embed(golden)


def _server_options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", _largest_message(settings)),
        ("grpc.so_reuseport", 0),  # a second server on the same port is an error, not a silent half
        ("grpc.keepalive_time_ms", _PING_AFTER),
        ("grpc.keepalive_timeout_ms", _PONG_WITHIN),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", _PINGED_AT_MOST),
    ]


def _largest_message(settings: Settings) -> int:
    """Size messages so that an enrolment of several pictures fits, but not so that one call can fill the memory."""
    return 4 * settings.max_image_bytes + _MESSAGE_OVERHEAD


def _caller_sees(gallery_id: str) -> bool:
    return current_caller().sees(gallery_id)


async def every(seconds: float, what: str, job: Callable[[], Awaitable[None]]) -> None:
    """Do a job now and again, as long as the server runs; one time that fails is in the log, and not the last."""
    while True:
        try:
            await job()
        except GalleryError as error:
            _log.warning("%s failed, to be tried again: %s", what, error)
        except Exception:
            _log.exception("%s failed in a way that nobody foresaw, to be tried again", what)
        await asyncio.sleep(seconds)
