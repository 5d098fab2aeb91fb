"""The cluster of docker/compose.cluster.yaml as plain processes, losing one machine after another."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gallery import GalleryClient
from gallery.errors import CallFailed, GalleryAlreadyExists, StoreUnavailable
from gallery.qdrant_store import QdrantStore
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
    failures: int = 0

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

    def found(self) -> list[str]:
        """List everybody the gallery has."""
        return sorted(summary.identity_id for summary in self.client.iter_identities(self.gallery_id))


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
        assert asyncio.run(people_on(address, enrolment.gallery_id)) == sorted(enrolment.acknowledged)


def assert_a_majority_has_all_and_what_one_lacks_is_named(cluster: PlainCluster, enrolment: Enrolment) -> None:
    addresses = cluster.qdrant.addresses
    named = {each for address in addresses for each in asyncio.run(uneven_by(address, enrolment.gallery_id))}
    lists = [set(asyncio.run(people_on(address, enrolment.gallery_id))) for address in addresses]
    for person in enrolment.acknowledged:
        having = sum(person in people for people in lists)
        assert having > len(lists) / 2 and (having == len(lists) or person in named)


async def uneven_by(address: Address, gallery_id: str) -> set[str]:
    """Name whom some replica lacks, as `gallery doctor --system` does of the node it asks."""
    store = QdrantStore(address.url, grpc_port=address.grpc_port)
    try:
        return set((await store.uneven(gallery_id)).values())
    finally:
        await store.close()


def wait_until_each_node_has_all(cluster: PlainCluster, enrolment: Enrolment) -> None:
    end = time.monotonic() + _PATIENCE
    for address in cluster.qdrant.addresses:
        while asyncio.run(people_on(address, enrolment.gallery_id)) != sorted(enrolment.acknowledged):
            assert time.monotonic() < end, "a node did not catch up by itself"
            time.sleep(0.2)


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
def test_of_two_nodes_that_come_back_at_most_one_lacks_anybody_and_is_found_out(
    cluster: PlainCluster, enrolment: Enrolment
) -> None:
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
        assert_a_majority_has_all_and_what_one_lacks_is_named(cluster, enrolment)


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
def test_a_paused_qdrant_node_is_gone_around(cluster: PlainCluster, enrolment: Enrolment) -> None:
    enrolment.enrol(5)
    cluster.qdrant.pause(0)
    try:
        enrolment.enrol(5)
    finally:
        cluster.qdrant.resume(0)
    enrolment.enrol(5)
    wait_for_replicas(cluster)
    wait_until_each_node_has_all(cluster, enrolment)  # what it answers before it has caught up may be older
    assert enrolment.found() == sorted(enrolment.acknowledged)


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
def test_a_node_cut_off_from_its_peers_costs_nobody_and_catches_up(tmp_path: Path, model_file: Path) -> None:
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
            for _ in range(3):
                enrolment.was_enrolled()
            network.heal()
            enrolment.enrol(5)  # whoever was not acknowledged is the first of them
            wait_for_replicas(cluster)
            wait_until_each_node_has_all(cluster, enrolment)
            assert enrolment.found() == sorted(enrolment.acknowledged)
