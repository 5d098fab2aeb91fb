"""How a Qdrant server is reached and how collections are made on it."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdrant_client import AsyncQdrantClient, models

from gallery.errors import StoreUnavailable
from gallery.qdrant_store.translation import translated

_RECONNECT = {"grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 1000}
"""gRPC's own backoff grows to two minutes: too long to notice that a server is back."""

_DELETED_SHARE = 0.02
_DELETED_LEAST = 100
"""From when on the server rewrites a segment without what was deleted from it; its own defaults are 0.2 and 1000."""

EXACTLY = models.SearchParams(exact=True)

_OVERSAMPLING = 4.0


@dataclass(frozen=True, slots=True)
class QdrantOptions:
    """What there is to choose. None leaves it to the server.

    ``ca_file`` is PEM certificates to trust instead of the system's, for an https URL (REST and gRPC both).
    ``shard_number``, ``replication_factor`` and ``write_consistency_factor`` are for collections that are created
    from now on: a write is acknowledged when so many replicas have it. ``int8`` keeps a quantised copy of the vectors
    in memory and the vectors themselves on disk.
    """

    ca_file: Path | None = None
    shard_number: int | None = None
    replication_factor: int | None = None
    write_consistency_factor: int | None = None
    int8: bool = False

    def connected(self, url: str, api_key: str | None, grpc_port: int, timeout: int) -> AsyncQdrantClient:
        """Make a client; raises StoreUnavailable for a URL or CA file that cannot be used."""
        grpc_options: dict[str, Any] = dict(_RECONNECT)
        rest_options: dict[str, Any] = {}
        if self.ca_file is not None:
            certificates, rest_options["verify"] = _trusting(self.ca_file)
            grpc_options["root_certificates"] = certificates
        with translated():
            return AsyncQdrantClient(
                url=url,
                api_key=api_key,
                grpc_port=grpc_port,
                prefer_grpc=True,
                timeout=timeout,
                grpc_options=grpc_options,
                check_compatibility=False,  # `check` does it, and says so by an error instead of a warning
                **rest_options,
            )

    def replication(self) -> dict[str, Any]:
        """Write what a new collection is told of shards and replicas."""
        return {
            "shard_number": self.shard_number,
            "replication_factor": self.replication_factor,
            "write_consistency_factor": self.write_consistency_factor,
        }

    def collection(self, dimension: int) -> dict[str, Any]:
        """Write what a new collection of vectors is told.

        There is no HNSW graph (m = 0): it is for approximate search, which misses strangers' near neighbours, and
        nothing here searches so. Whoever wants one can set m by Qdrant's own API; exact searches pass it by.
        """
        scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        return {
            "vectors_config": models.VectorParams(
                size=dimension, distance=models.Distance.COSINE, on_disk=True if self.int8 else None
            ),
            "hnsw_config": models.HnswConfigDiff(m=0),
            "optimizers_config": models.OptimizersConfigDiff(
                deleted_threshold=_DELETED_SHARE, vacuum_min_vector_number=_DELETED_LEAST
            ),
            "quantization_config": models.ScalarQuantization(scalar=scalar) if self.int8 else None,
            **self.replication(),
        }


def search_params_of(config: models.CollectionConfig) -> models.SearchParams:
    """Choose how a collection is searched.

    Exactly, which leaves a quantised copy aside. Only a quantised collection without a graph is searched by its copy,
    all of it, and the nearest four times as many as are asked for are measured again by the vectors themselves: their
    distances are exact, and one that the copy puts beyond those is missed.
    """
    if config.quantization_config is None or config.hnsw_config.m != 0:
        return EXACTLY
    rescored = models.QuantizationSearchParams(ignore=False, rescore=True, oversampling=_OVERSAMPLING)
    return models.SearchParams(quantization=rescored)


def _trusting(path: Path) -> tuple[bytes, ssl.SSLContext]:
    """Read certificates to trust, as gRPC wants them and as REST does."""
    try:
        certificates = path.read_bytes()
        return certificates, ssl.create_default_context(cadata=certificates.decode("ascii"))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise StoreUnavailable(f"the CA file {path} cannot be read ({error})", expected="PEM certificates") from error
