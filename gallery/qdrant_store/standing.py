"""How a node of a cluster stands: whether it knows what the others know, by what it and they say of their consensus.

What a node says of itself (seen on 1.16.3, two busy cores): one that is cut off has no leader after 2 to 4 seconds; if
it leads, it fails to reach the others, who choose another leader in a later term. One that hung has no leader as soon
as it goes on, finds one within 2.5 seconds, and has read 0.2 seconds later that it is behind.
"""

from collections.abc import Sequence
from enum import Enum

from qdrant_client import models

from gallery.qdrant_store.health import consensus_problem

_GRACE = 3.0  # seconds without a good answer; together with 4 until a node has no leader, less than the 9 of its peers
_SETTLED = 1.0  # seconds of good answers before a node that was given up is called again

_LEADERLESS = "has no leader"


class Told(Enum):
    """What was heard of a node that did not say how it stands."""

    SILENT = "does not answer"
    GONE = "is away or not ready"


Watched = models.ClusterStatusOneOf1 | Told


class Standing:
    """A node's standing, from round to round; times are monotonic, in seconds."""

    def __init__(self) -> None:
        self.trusted = False
        self.trouble = "has not been asked yet"
        self._heard = False
        self._well = float("-inf")  # when the last good answer was asked for
        self._well_since: float | None = None

    def is_trusted(self, now: float) -> bool:
        """Whether it was well lately."""
        return self.trusted and now - self._well <= _GRACE

    def hear(self, told: Watched, all_told: Sequence[Watched], asked: float) -> None:
        """Note what it told, or that it did not, when all were asked at ``asked``; ``all_told`` is what all told.

        One that has been well stays trusted for a while of silence, and without a leader while nobody has one, for then
        nobody can be given up. One that was away, or for too long, must have caught up, and stay so for a moment.
        Nothing is known against a node that is well when it is asked for the first time.
        """
        first, self._heard = not self._heard, True
        self.trusted = self.is_trusted(asked)
        trouble = _trouble(told, [each for each in all_told if not isinstance(each, Told)])
        if self.trusted and trouble == _LEADERLESS and _nobody_leads(all_told):
            self._well, self._well_since, self.trouble = asked, None, trouble
        elif trouble:
            self.trouble, self._well_since = trouble, None
            self.trusted = self.trusted and told is not Told.GONE
        elif not self.trusted and _is_behind(told, all_told):
            self.trouble, self._well_since = "has not caught up with the others", None
        else:
            self._well, self._well_since = asked, asked if self._well_since is None else self._well_since
            self.trusted = self.trusted or first or asked - self._well_since >= _SETTLED
            self.trouble = "" if self.trusted else "has only just caught up with the others"


def _trouble(told: Watched, others: Sequence[models.ClusterStatusOneOf1]) -> str:
    """Say what keeps a node from knowing what the others agree on; empty where it is well."""
    if isinstance(told, Told):
        return told.value
    if not told.raft_info.leader:
        return _LEADERLESS
    if problem := consensus_problem(told):
        return problem
    if _leads_nobody(told):
        return "leads, but does not reach the others"
    if any(other.raft_info.term > told.raft_info.term and other.raft_info.leader for other in others):
        return "has another leader than the others"
    return ""


def _leads_nobody(told: models.ClusterStatusOneOf1) -> bool:
    leads = told.raft_info.role == models.StateRole.LEADER
    return leads and 2 * len(told.message_send_failures) >= len(told.peers)


def _nobody_leads(all_told: Sequence[Watched]) -> bool:
    """Whether no majority of them can have a leader."""
    heard = [told for told in all_told if not isinstance(told, Told)]
    led = any(told.raft_info.leader and not _leads_nobody(told) for told in heard)
    return 2 * len(heard) > len(all_told) and not led


def _is_behind(told: Watched, all_told: Sequence[Watched]) -> bool:
    if isinstance(told, Told):
        return True
    commits = [other.raft_info.commit for other in all_told if not isinstance(other, Told)]
    return told.raft_info.pending_operations > 0 or max(commits) > told.raft_info.commit
