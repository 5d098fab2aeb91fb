"""The cluster of docker/compose.cluster.yaml as plain processes, losing one machine after another."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gallery import GalleryClient
from gallery.errors import CallFailed, GalleryAlreadyExists, IdentityNotFound, StoreUnavailable
from gallery.qdrant_store import Mended, QdrantOptions, QdrantStore
from tests.chaos.scale import only_in_full
from tests.cut_network import Network
from tests.pictures import png_of
from tests.plain_cluster import PlainCluster, running_plain_cluster
from tests.qdrant_cluster import NODES
from tests.qdrant_server import Address, or_skipped

_PATIENCE = 120.0  # seconds that a cluster gets to recover by itself; it was seen to take 45


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Iterator[PlainCluster]:
    with or_skipped(), running_plain_cluster(tmp_path_factory.mktemp("cluster"), model_file) as cluster:
        yield cluster


@dataclass
class Enrolment:
    """Somebody who enrols one person after another, and remembers who was acknowledged and how often it failed."""

    client: GalleryClient
    gallery_id: str
    acknowledged: list[str] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)
    failures: int = 0

    @property
    def present(self) -> list[str]:
        """List who must be found."""
        return sorted(set(self.acknowledged) - self.erased)

    def begin(self) -> None:
        """Create the gallery, as soon as the cluster takes it."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.client.create_gallery(self.gallery_id)
            except GalleryAlreadyExists:
                return
            except (StoreUnavailable, CallFailed):
                assert time.monotonic() < end
                time.sleep(0.2)
            else:
                return

    def enrol(self, people: int) -> None:
        """Enrol more people, each again until it is acknowledged."""
        for _ in range(people):
            end = time.monotonic() + _PATIENCE
            while not self.was_enrolled():
                assert time.monotonic() < end, "the cluster did not recover by itself"
                time.sleep(0.1)

    def was_enrolled(self) -> bool:
        """Try to enrol one more; tell whether it was acknowledged."""
        number = len(self.acknowledged)
        try:
            self.client.enroll(self.gallery_id, f"person-{number}", [png_of(number)])
        except (StoreUnavailable, CallFailed):
            self.failures += 1
            return False
        self.acknowledged.append(f"person-{number}")
        return True

    def erase(self, person: str) -> None:
        """Erase somebody, again until it is acknowledged."""
        end = time.monotonic() + _PATIENCE
        while person not in self.erased:
            try:
                self.client.delete_identity(self.gallery_id, person)
            except IdentityNotFound:  # an erasure that failed may have been done
                self.erased.add(person)
            except (StoreUnavailable, CallFailed):
                assert time.monotonic() < end, "the cluster did not recover by itself"
                time.sleep(0.1)
            else:
                self.erased.add(person)

    def found(self) -> list[str]:
        """List everybody the gallery has."""
        return sorted(summary.identity_id for summary in self.client.iter_identities(self.gallery_id))

    def assert_listings_are_whole(self, times: int) -> None:
        """List everybody so often; each answer must be right, but for whom an enrolment in doubt may have enrolled."""
        in_doubt = f"person-{len(self.acknowledged)}"
        end = time.monotonic() + _PATIENCE
        while times:
            try:
                found = self.found()
            except (StoreUnavailable, CallFailed):
                assert time.monotonic() < end, "the cluster did not recover by itself"
                continue
            assert [person for person in found if person != in_doubt] == self.present
            times -= 1


def wait_for_replicas(cluster: PlainCluster) -> None:
    """Wait as an operator must before the next node goes: until every node says that all replicas are Active."""
    end = time.monotonic() + _PATIENCE
    while any(asyncio.run(replicas_behind(address)) for address in cluster.qdrant.addresses):
        assert time.monotonic() < end, "the replicas did not recover by themselves"
        time.sleep(0.2)


async def replicas_behind(address: Address) -> bool:
    store = QdrantStore(address.url, grpc_port=address.grpc_port, timeout=5)
    try:
        return any(state != "Active" for state in (await store.replica_states()).values())
    except StoreUnavailable:
        return True
    finally:
        await store.close()


def assert_each_node_has_all(cluster: PlainCluster, enrolment: Enrolment) -> None:
    for address in cluster.qdrant.addresses:
        assert asyncio.run(people_on(address, enrolment.gallery_id)) == enrolment.present


async def mended(cluster: PlainCluster, gallery_id: str) -> Mended:
    """Make the replicas even, as `gallery doctor --system --mend` does, and see that they are."""
    store = store_on(cluster)
    try:
        mended = await store.mend(gallery_id, datetime.now(UTC))
        assert await store.uneven(gallery_id) == {}
        return mended
    finally:
        await store.close()


def store_on(cluster: PlainCluster) -> QdrantStore:
    options = QdrantOptions(shard_number=1, replication_factor=NODES, write_consistency_factor=2)
    return QdrantStore(cluster.qdrant.url, grpc_port=cluster.qdrant.grpc_port, timeout=30, options=options)


async def people_on(address: Address, gallery_id: str) -> list[str]:
    """List whom a node names, which answers from its own replicas."""
    store = QdrantStore(address.url, grpc_port=address.grpc_port)
    try:
        return [each.identity_id for each in await store.list_identities(gallery_id, after="", limit=1000)]
    finally:
        await store.close()


@pytest.fixture
def enrolment(cluster: PlainCluster) -> Iterator[Enrolment]:
    with GalleryClient(cluster.address, timeout=15.0) as client:
        enrolment = Enrolment(client, f"chaos-{uuid.uuid4().hex[:8]}")
        enrolment.begin()
        yield enrolment


def test_a_qdrant_node_killed_between_writes_loses_nothing_and_catches_up(
    cluster: PlainCluster, enrolment: Enrolment
) -> None:
    enrolment.enrol(5)
    cluster.qdrant.kill(1)
    enrolment.enrol(5)
    assert enrolment.found() == sorted(enrolment.acknowledged)
    cluster.qdrant.restart(1)
    enrolment.enrol(5)
    assert enrolment.found() == sorted(enrolment.acknowledged)


@only_in_full
def test_one_node_after_another_may_fail_while_people_are_enrolled(cluster: PlainCluster, enrolment: Enrolment) -> None:
    for number in (0, 1, 2, 0):
        cluster.qdrant.kill(number)
        enrolment.enrol(20)
        assert enrolment.found() == sorted(enrolment.acknowledged)
        cluster.qdrant.restart(number)
        enrolment.enrol(20)
        assert enrolment.found() == sorted(enrolment.acknowledged)
        wait_for_replicas(cluster)
        assert_each_node_has_all(cluster, enrolment)


@only_in_full
def test_what_one_of_two_nodes_that_come_back_lacks_is_mended(cluster: PlainCluster, enrolment: Enrolment) -> None:
    enrolment.enrol(5)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        cluster.qdrant.kill(first)
        enrolment.enrol(5)
        cluster.qdrant.kill(second)  # which knows the first as lost, and of nothing after that
        cluster.qdrant.restart(first)
        end = time.monotonic() + _PATIENCE / 2
        while not enrolment.was_enrolled() and time.monotonic() < end:  # it may have to wait for the second's copy
            time.sleep(0.1)
        cluster.qdrant.restart(second, after=0)
        enrolment.enrol(20)
        wait_for_replicas(cluster)
        asyncio.run(mended(cluster, enrolment.gallery_id))
        assert_each_node_has_all(cluster, enrolment)


@only_in_full
def test_a_node_lost_before_another_has_recovered_costs_refusals_and_nobody(
    cluster: PlainCluster, enrolment: Enrolment
) -> None:
    enrolment.enrol(5)
    cluster.qdrant.kill(0)
    enrolment.enrol(5)
    cluster.qdrant.restart(0)
    cluster.qdrant.kill(1)  # now one replica alone has everybody
    try:
        for _ in range(20):
            enrolment.was_enrolled()
            try:
                found = enrolment.found()
            except (StoreUnavailable, CallFailed):
                continue
            assert set(enrolment.acknowledged) <= set(found)
    finally:
        cluster.qdrant.restart(1)
    wait_for_replicas(cluster)
    enrolment.enrol(5)
    assert enrolment.failures and enrolment.found() == sorted(enrolment.acknowledged)


@only_in_full
@pytest.mark.parametrize("number", range(NODES))
def test_a_paused_qdrant_node_is_gone_around_and_not_believed_before_it_has_caught_up(
    cluster: PlainCluster, enrolment: Enrolment, number: int
) -> None:
    enrolment.enrol(5)
    cluster.qdrant.pause(number)
    try:
        enrolment.assert_listings_are_whole(10)
        enrolment.enrol(5)
        enrolment.erase("person-0")
        enrolment.assert_listings_are_whole(10)
    finally:
        cluster.qdrant.resume(number)
    enrolment.assert_listings_are_whole(100)  # for longer than it takes to catch up
    enrolment.enrol(5)
    wait_for_replicas(cluster)
    enrolment.assert_listings_are_whole(10)
    assert_each_node_has_all(cluster, enrolment)


def test_without_enough_replicas_a_write_is_refused_and_never_falsely_acknowledged(
    cluster: PlainCluster, enrolment: Enrolment
) -> None:
    enrolment.enrol(3)
    cluster.qdrant.kill(1)
    cluster.qdrant.kill(2)
    try:
        for _ in range(5):  # once it has given up on the others, a node would acknowledge what it alone has
            with pytest.raises((StoreUnavailable, CallFailed)):
                enrolment.client.enroll(enrolment.gallery_id, "nobody-yet", [png_of(99)])
    finally:
        cluster.qdrant.restart(1)
        cluster.qdrant.restart(2)
    enrolment.enrol(3)
    assert set(enrolment.acknowledged) <= set(enrolment.found())


def test_a_gallery_server_killed_at_work_is_replaced_by_the_other(cluster: PlainCluster, enrolment: Enrolment) -> None:
    enrolment.enrol(5)
    cluster.galleries[0].kill()
    enrolment.enrol(10)
    cluster.galleries[0].start()
    cluster.galleries[1].kill()
    enrolment.enrol(10)
    cluster.galleries[1].start()
    assert enrolment.found() == sorted(enrolment.acknowledged)


@only_in_full
def test_a_node_cut_off_from_its_peers_is_not_believed_costs_nobody_and_catches_up(
    tmp_path: Path, model_file: Path
) -> None:
    with (
        or_skipped(),
        Network() as network,
        running_plain_cluster(tmp_path, model_file, network) as cluster,
        GalleryClient(cluster.address, timeout=15.0) as client,
    ):
        enrolment = Enrolment(client, "parted")
        enrolment.begin()
        enrolment.enrol(5)
        for number in range(NODES):  # one of them leads
            network.cut(number)
            enrolment.assert_listings_are_whole(10)
            enrolment.enrol(3)
            enrolment.erase(f"person-{number}")
            enrolment.assert_listings_are_whole(10)
            network.heal()
            enrolment.assert_listings_are_whole(100)
            enrolment.enrol(5)
            wait_for_replicas(cluster)
            assert_each_node_has_all(cluster, enrolment)
