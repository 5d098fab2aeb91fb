"""A bulk enrolment whose store falls silent or full: what was answered is there, the rest is told, and it goes on."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from gallery.domain import BulkItem, BulkResult, EncodedImage
from gallery.edge_store import EdgeStore
from gallery.errors import StoreUnavailable
from gallery.ports import TemplateStore
from gallery.qdrant_store import QdrantStore
from gallery.use_cases import GalleryUseCases
from tests.bulk.bench import HashEmbedder
from tests.qdrant_server import ServerProcess
from tests.stores.test_edge_crash import engines_of, kill_and_wait


async def lobby(store: TemplateStore) -> GalleryUseCases:
    use_cases = GalleryUseCases(HashEmbedder(), store, clock=lambda: datetime.now(UTC))
    await use_cases.create_gallery("lobby")
    return use_cases


async def items(first: int, last: int, size: int = 0) -> AsyncIterator[BulkItem]:
    for number in range(first, last):
        yield BulkItem(str(number), f"person-{number}", EncodedImage(b"%d+" % number + bytes(size)))


async def enrol(use_cases: GalleryUseCases, first: int, last: int) -> list[BulkResult]:
    return [result async for result in use_cases.bulk_enroll("lobby", items(first, last))]


async def people(use_cases: GalleryUseCases) -> set[str]:
    names, token = set[str](), ""
    while True:
        page = await use_cases.list_identities("lobby", page_size=1000, page_token=token)
        names |= {each.identity_id for each in page.items}
        token = page.next_page_token
        if not token:
            return names


async def test_a_qdrant_server_that_stops_answering_fails_only_what_waits_for_it(
    qdrant_program: Path, tmp_path: Path
) -> None:
    with ServerProcess(qdrant_program, tmp_path) as server:
        store = QdrantStore(server.address.url, grpc_port=server.address.grpc_port, timeout=1)
        use_cases = await lobby(store)
        assert all(result.template for result in await enrol(use_cases, 0, 50))
        server.signal(signal.SIGSTOP)
        silent = await enrol(use_cases, 50, 100)
        assert {type(result.error) for result in silent} == {StoreUnavailable}
        server.signal(signal.SIGCONT)
        again = await enrol(use_cases, 0, 100)
        assert all(result.template for result in again)
        assert len(await people(use_cases)) == 100
        await store.close()


async def test_an_engine_that_is_killed_in_the_middle_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    use_cases = await lobby(store)
    kept: list[BulkResult] = []
    lost: list[BulkResult] = []
    async for result in use_cases.bulk_enroll("lobby", items(0, 1000)):
        (lost if result.template is None else kept).append(result)
        assert result.error is None or isinstance(result.error, StoreUnavailable)
        if len(kept) == 100:
            await asyncio.to_thread(kill_and_wait, engines_of(os.getpid(), tmp_path)[0])
    assert len(kept) + len(lost) == 1000
    assert {result.template.template.identity_id for result in kept if result.template} <= await people(use_cases)
    again = await enrol(use_cases, 0, 1000)
    assert all(result.template for result in again)
    assert len(await people(use_cases)) == 1000
    await store.close()


async def test_a_full_disk_refuses_what_does_not_fit_and_keeps_what_was_answered(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    use_cases = await lobby(store)
    assert all(result.template for result in await enrol(use_cases, 0, 100))
    (engine,) = engines_of(os.getpid(), tmp_path)
    resource.prlimit(engine, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    full = await enrol(use_cases, 100, 200)
    kept = {f"person-{result.item_id}" for result in full if result.template}
    assert {type(result.error) for result in full if result.error} == {StoreUnavailable}
    for each in engines_of(os.getpid(), tmp_path):
        kill_and_wait(each)
    for _ in range(3):  # a call that was on its way may be told of the loss
        again = await enrol(use_cases, 100, 200)
        if all(result.template for result in again):
            break
    assert kept <= await people(use_cases)
    assert len(await people(use_cases)) == 200
    await store.close()
