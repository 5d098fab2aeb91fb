"""Where Prometheus asks: an HTTP endpoint of its own, in a thread, beside the gRPC port."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from gallery.errors import InvalidParameter


@contextmanager
def metrics_served(registry: CollectorRegistry, listen: str) -> Iterator[str]:
    """Serve ``/metrics`` at ``listen`` (host:port; port 0 takes a free one) and yield the address.

    Raises InvalidParameter for an address that cannot be served at.
    """
    host, _, port = listen.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]") or "127.0.0.1", registry)
    except (OSError, ValueError, OverflowError) as error:
        raise InvalidParameter(
            f"the metrics cannot be served at {listen} ({error})",
            expected="a host:port of this machine that is free",
            remedy="choose another with --metrics-listen",
        ) from error
    try:
        yield f"{host or '127.0.0.1'}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
