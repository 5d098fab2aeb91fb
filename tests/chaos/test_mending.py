"""Replicas of a real cluster made uneven on purpose, one of them written past the others, are mended by the ledger."""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest
from qdrant_client import grpc as messages
from qdrant_client.conversions.conversion import RestToGrpc

from gallery import ledger
from gallery.domain import Gallery, LedgerEntry, Move, Template
from gallery.errors import StoreUnavailable
from gallery.qdrant_store import Mended, QdrantOptions, QdrantStore
from gallery.qdrant_store.points import points_of
from tests.qdrant_cluster import NODES, Cluster, running_cluster
from tests.qdrant_server import or_skipped
from tests.stores.samples import NOON, make_gallery, make_template

KEY = ledger.new_key()
LATER = NOON + timedelta(hours=1)
MUCH_LATER = NOON + timedelta(hours=2)
SHARD = b"\x10\x00"  # field 2 of the messages that Qdrant's nodes send each other: shard 0
NOTHING = Mended(0, 0, {})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with or_skipped(), running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@dataclass(frozen=True)
class Lobby:
    """A gallery on all nodes, whose replicas can be written one by one, as the nodes do it: past the others."""

    cluster: Cluster
    store: QdrantStore
    gallery: Gallery

    @property
    def name(self) -> str:
        return self.gallery.gallery_id

    async def mend(self, now: datetime = MUCH_LATER) -> Mended:
        return await self.store.mend(self.name, now)

    async def put_on(self, number: int, *templates: Template) -> None:
        points = [RestToGrpc.convert_point_struct(point) for point in points_of(self.gallery, templates)]
        collection = f"gallery_{self.name}.0"
        message = messages.UpsertPoints(collection_name=collection, wait=True, points=points)
        await self._write(number, "Upsert", message.SerializeToString())

    async def lose_on(self, number: int, collection: str, *point_ids: uuid.UUID) -> None:
        points = messages.PointsIdsList(ids=[messages.PointId(uuid=str(each)) for each in point_ids])
        selector = messages.PointsSelector(points=points)
        message = messages.DeletePoints(collection_name=collection, wait=True, points=selector)
        await self._write(number, "Delete", message.SerializeToString())

    async def _write(self, number: int, what: str, written: bytes) -> None:
        async with grpc.aio.insecure_channel(self.cluster.peers[number]) as channel:
            call: Any = channel.unary_unary(f"/qdrant.PointsInternal/{what}")
            await call(b"\x0a" + _varint(len(written)) + written + SHARD)

    async def on_each_node(self) -> list[set[uuid.UUID]]:
        found = []
        for address in self.cluster.addresses:
            store = QdrantStore(address.url, grpc_port=address.grpc_port)
            found.append(ids(*await store.scan(self.name, after=None, limit=1000)))
            await store.close()
        return found

    def erasure(self, at: datetime, *templates: Template) -> LedgerEntry:
        whose = templates[0].info.identity_id
        return ledger.erasure_of_identity(self.name, KEY, at, whose, ids(*templates))

    def move(self, at: datetime, before: Template, after: Template) -> LedgerEntry:
        return ledger.move_of_templates(self.name, KEY, at, [(before.info.template_id, after.info.template_id)])


def ids(*templates: Template) -> set[uuid.UUID]:
    return {each.info.template_id for each in templates}


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + _varint(number >> 7)


@pytest.fixture
async def lobby(cluster: Cluster) -> AsyncIterator[Lobby]:
    options = QdrantOptions(shard_number=1, replication_factor=NODES, write_consistency_factor=2)
    store = QdrantStore(cluster.url, grpc_port=cluster.grpc_port, timeout=30, options=options)
    gallery = make_gallery(f"lobby-{uuid.uuid4().hex[:8]}")
    await created(store, gallery)
    yield Lobby(cluster, store, gallery)
    await store.close()


async def created(store: QdrantStore, gallery: Gallery) -> None:
    """Create a gallery as soon as the nodes, which may have only just met, take it."""
    while True:
        try:
            return await store.create_gallery(gallery)
        except StoreUnavailable:
            continue


@pytest.mark.parametrize("number", range(NODES))
async def test_what_a_replica_lacks_and_nobody_erased_is_written_there(lobby: Lobby, number: int) -> None:
    people = [make_template(f"person-{seed}", seed) for seed in range(30)]
    await lobby.store.put(lobby.name, people)
    collection = f"gallery_{lobby.name}.0"
    await lobby.lose_on(number, collection, *ids(*people[:3]))
    await lobby.lose_on((number + 1) % NODES, collection, *ids(people[3]))
    assert set(await lobby.store.uneven(lobby.name)) == {str(each) for each in ids(*people[:4])}
    assert await lobby.mend() == Mended(written=4, erased=0, doubtful={})
    assert await lobby.on_each_node() == [ids(*people)] * NODES
    assert await lobby.mend() == NOTHING


@pytest.mark.parametrize("having", [(0,), (1, 2)])
async def test_what_was_erased_and_is_left_on_a_replica_goes(lobby: Lobby, having: Sequence[int]) -> None:
    ann, bob = make_template("ann", 1), make_template("bob", 2)
    await lobby.store.put(lobby.name, [bob])
    await lobby.store.record_erasures([lobby.erasure(LATER, ann)])
    for number in having:
        await lobby.put_on(number, ann)
    assert await lobby.mend() == Mended(written=0, erased=1, doubtful={})
    assert await lobby.on_each_node() == [ids(bob)] * NODES


async def test_an_enrolment_that_only_one_replica_has_is_completed_also_after_an_erasure(lobby: Lobby) -> None:
    ann, bob = make_template("ann", 1), make_template("bob", 7200)  # two hours after noon
    await lobby.store.record_erasures([lobby.erasure(LATER, bob)])
    await lobby.put_on(2, ann, bob)
    assert await lobby.mend() == Mended(written=2, erased=0, doubtful={})
    assert await lobby.on_each_node() == [ids(ann, bob)] * NODES


async def test_what_the_ledger_leaves_in_doubt_is_named_and_left(lobby: Lobby) -> None:
    ann, bob, bobby = make_template("ann", 1), make_template("bob", 2), make_template("bobby", 2)
    await lobby.store.record_erasures([lobby.erasure(ann.info.enrolled_at, ann), lobby.move(LATER, bob, bobby)])
    await lobby.put_on(0, ann, bob)
    mended = await lobby.mend()
    assert mended.doubtful == {str(each.info.template_id): each.info.identity_id for each in (ann, bob)}
    assert await lobby.on_each_node() == [ids(ann, bob), set(), set()]


async def test_what_was_given_to_an_identity_after_its_erasure_stays(lobby: Lobby) -> None:
    was, now = make_template("bob", 2), make_template("ann", 2, move=Move(uuid.uuid4(), "bob"))
    await lobby.store.record_erasures([lobby.erasure(LATER, make_template("ann", 1)), lobby.move(MUCH_LATER, was, now)])
    await lobby.put_on(1, now)
    assert await lobby.mend() == Mended(written=1, erased=0, doubtful={})
    assert await lobby.on_each_node() == [ids(now)] * NODES


async def test_what_has_expired_is_left_to_the_caretaker_who_finds_it_on_any_replica(lobby: Lobby) -> None:
    await lobby.put_on(1, make_template("ann", 1, expires_at=LATER))
    assert await lobby.mend() == NOTHING
    assert await lobby.store.delete_expired(lobby.name, MUCH_LATER) == 1
    assert await lobby.on_each_node() == [set()] * NODES


async def test_an_entry_of_the_ledger_that_replicas_lack_is_read_and_written_there(lobby: Lobby) -> None:
    entry = lobby.erasure(LATER, make_template("ann", 1))
    await lobby.store.record_erasures([entry])
    for number in range(NODES - 1):
        await lobby.lose_on(number, "gallery-erasures", entry.entry_id)
    assert await lobby.store.list_erasures(lobby.name) == [entry]
    await lobby.mend()
    for address in lobby.cluster.addresses:
        alone = QdrantStore(address.url, grpc_port=address.grpc_port)
        assert await alone.list_erasures(lobby.name) == [entry]
        await alone.close()
