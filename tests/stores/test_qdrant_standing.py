"""A Qdrant node is called while it knows what the others know, and again only once it has caught up with them."""

from collections.abc import Sequence

import pytest
from qdrant_client import models

from gallery.qdrant_store.standing import Standing, Told, Watched
from tests.stores.samples import NOON

OTHER = "http://127.0.0.1:1"


def status(
    *, leader: int = 1, term: int = 1, commit: int = 9, pending: int = 0, leads: bool = False, unreached: int = 0
) -> models.ClusterStatusOneOf1:
    return models.ClusterStatusOneOf1(
        status="enabled",
        peer_id=1,
        peers={str(peer): models.PeerInfo(uri=OTHER) for peer in range(3)},
        raft_info=models.RaftInfo(
            term=term,
            commit=commit,
            pending_operations=pending,
            leader=leader,
            role=models.StateRole.LEADER if leads else models.StateRole.FOLLOWER,
            is_voter=True,
        ),
        consensus_thread_status=models.ConsensusThreadStatusOneOf(consensus_thread_status="working", last_update=NOON),
        message_send_failures={str(peer): models.MessageSendErrors(count=1) for peer in range(unreached)},
    )


WELL = status()
LEADERLESS = status(leader=0)


Heard = tuple[Watched, Sequence[Watched]]  # what a node told, and what the two others did


def trusted_after(heard: Sequence[Heard]) -> bool:
    """Tell whether a node is trusted after rounds, a second apart, of what it and the two others told."""
    standing = Standing()
    for second, (told, others) in enumerate(heard):
        standing.hear(told, [told, *others], float(second))
    return standing.is_trusted(len(heard) - 0.5)


ALL_WELL: Heard = (WELL, [WELL, WELL])
AWAY: list[Heard] = [ALL_WELL, (Told.GONE, [WELL, WELL])]


def test_a_node_that_is_well_when_it_is_first_asked_is_trusted() -> None:
    assert trusted_after([ALL_WELL])


@pytest.mark.parametrize(
    "told",
    [
        Told.SILENT,
        Told.GONE,
        LEADERLESS,
        status(commit=8),
        status(pending=1),
        status(leads=True, unreached=2),
    ],
)
def test_a_node_that_is_not_well_when_it_is_first_asked_is_not_trusted(told: Watched) -> None:
    assert not trusted_after([(told, [WELL, WELL])])


@pytest.mark.parametrize("told", [Told.SILENT, LEADERLESS, status(leads=True, unreached=2)])
def test_a_node_is_trusted_through_a_moment_of_trouble_and_not_longer(told: Watched) -> None:
    trouble = (told, [WELL, WELL])
    assert trusted_after([ALL_WELL, trouble, trouble])
    assert not trusted_after([ALL_WELL, *[trouble] * 4])


def test_a_node_whose_connection_is_refused_is_not_trusted_from_then_on() -> None:
    assert not trusted_after([ALL_WELL, (Told.GONE, [WELL, WELL])])


def test_a_node_that_follows_an_older_leader_than_the_others_is_given_up() -> None:
    newer = status(leader=2, term=2)
    assert not trusted_after([ALL_WELL, *[(status(leads=True), [newer, newer])] * 4])


def test_a_node_that_seeks_a_later_term_in_vain_costs_the_others_nothing() -> None:
    assert trusted_after([ALL_WELL, *[(WELL, [WELL, status(leader=0, term=7)])] * 6])


def test_nodes_stay_trusted_while_none_has_a_leader_for_then_none_is_given_up() -> None:
    heard: Heard = (LEADERLESS, [LEADERLESS, Told.SILENT])
    assert trusted_after([ALL_WELL, *[heard] * 6])
    cut_off_leader: Heard = (LEADERLESS, [LEADERLESS, status(leads=True, unreached=2)])
    assert trusted_after([ALL_WELL, *[cut_off_leader] * 6])
    unheard: Heard = (LEADERLESS, [Told.SILENT, Told.SILENT])
    assert not trusted_after([ALL_WELL, *[unheard] * 6])


@pytest.mark.parametrize("back", [status(commit=8), status(pending=1)])
def test_a_node_that_comes_back_behind_the_others_is_not_trusted(back: Watched) -> None:
    assert not trusted_after([*AWAY, *[(back, [WELL, WELL])] * 6])


def test_a_node_that_comes_back_and_has_caught_up_is_trusted_after_a_moment() -> None:
    assert not trusted_after([*AWAY, ALL_WELL])
    assert trusted_after([*AWAY, ALL_WELL, ALL_WELL])


def test_what_was_heard_long_ago_is_trust_no_more() -> None:
    standing = Standing()
    standing.hear(WELL, [WELL], 0.0)
    assert standing.is_trusted(2.0) and not standing.is_trusted(60.0)
