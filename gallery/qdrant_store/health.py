"""Whether a Qdrant server can be relied on: its version, its readiness, and its cluster's consensus."""

import logging
from contextlib import suppress
from http import HTTPStatus

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from gallery.errors import StoreUnavailable
from gallery.qdrant_store.attempts import Attempts

OLDEST = (1, 16)  # the first with metadata of collections

_log = logging.getLogger(__name__)


async def check_version(client: AsyncQdrantClient, attempts: Attempts, url: str) -> None:
    """Reach the server by gRPC and see that it is new enough; raises StoreUnavailable."""
    version = (await attempts.call("", client.info)).version
    if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) < OLDEST:
        raise StoreUnavailable(
            f"the Qdrant server at {url} is version {version}",
            expected=f"{'.'.join(map(str, OLDEST))} or newer",
            remedy="upgrade the server",
        )


async def check_readiness(client: AsyncQdrantClient, url: str) -> None:
    """See by REST that the server is ready and its cluster has a leader; raises StoreUnavailable.

    Where REST cannot be reached this is passed over with a warning: the gallery's own calls go by gRPC.
    """
    try:
        await see_ready(client, url)
        status = await client.cluster_status()
    except ApiException as error:
        _log.warning("the Qdrant server's REST API at %s cannot be asked for its health: %s", url, error)
        return
    if problem := consensus_problem(status):
        raise StoreUnavailable(
            f"the cluster of the Qdrant server at {url} does not work: {problem}",
            expected="more than half of its nodes running and connected",
            remedy="start the other nodes, and see GET /cluster of each",
        )


async def see_ready_again(client: AsyncQdrantClient, url: str) -> None:
    """See by REST that a server that was away is ready; raises StoreUnavailable if it says that it is not."""
    with suppress(ApiException):
        await see_ready(client, url)


async def see_ready(client: AsyncQdrantClient, url: str) -> None:
    """See by REST that a server is ready; raises StoreUnavailable, and ApiException where it cannot be asked."""
    try:
        with suppress(ValueError):  # the client wants JSON where a ready server answers with a sentence
            await client.http.service_api.readyz()
    except UnexpectedResponse as error:
        if error.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        raise StoreUnavailable(
            f"the Qdrant server at {url} is not ready",
            expected="a server that has loaded its collections and caught up with its cluster",
            remedy="wait for it, or see its log",
        ) from error


def consensus_problem(status: models.ClusterStatus) -> str:
    """Say what keeps a cluster from agreeing on anything; empty where it is well or no cluster."""
    if not isinstance(status, models.ClusterStatusOneOf1):
        return ""
    consensus = status.consensus_thread_status
    if isinstance(consensus, models.ConsensusThreadStatusOneOf2):
        return f"its consensus stopped ({consensus.err})"
    if isinstance(consensus, models.ConsensusThreadStatusOneOf1):
        return "its consensus stopped"
    return "" if status.raft_info.leader else "it has no leader"  # 0 says so, too


async def replica_states(client: AsyncQdrantClient, attempts: Attempts, collection: str) -> dict[str, str]:
    """Tell the state of every replica of a collection, as the node that answers knows it; well is ``Active``."""
    info = await attempts.call("", lambda: client.collection_cluster_info(collection))
    replicas = [(shard.shard_id, info.peer_id, shard.state) for shard in info.local_shards]
    replicas += [(shard.shard_id, shard.peer_id, shard.state) for shard in info.remote_shards]
    return {f"shard {shard} of {collection} on peer {peer}": state.value for shard, peer, state in sorted(replicas)}
