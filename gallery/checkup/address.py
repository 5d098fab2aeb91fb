"""The address: free for a server, or one of ours answers at it and says how it is."""

import errno
import socket
from contextlib import closing
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gallery.checkup.access import shown
from gallery.checkup.checks import Check, bad, good
from gallery.settings import Settings

_SECONDS = 5.0
_SERVING = health_pb2.HealthCheckResponse.SERVING


async def address_check(settings: Settings) -> tuple[Check, bool]:
    """Look at where the server listens; returns, too, whether one of ours answers there."""
    listen = settings.listen
    try:
        if _is_free(listen):
            return good("address", f"{listen} is free"), False
    except (OSError, ValueError, OverflowError) as error:
        return bad("address", f"{listen} cannot be listened on ({error})", "name another with --listen"), False
    if settings.tls_client_ca is not None:
        return good("address", f"{listen} is taken; who asks there for health must show a certificate"), True
    parts = await health_of(settings)
    if parts is None:
        return bad("address", f"{listen} is taken by something else", "stop it, or name another with --listen"), False
    if troubles := [part for part, serving in parts.items() if not serving]:
        told = ", ".join(part or "the whole" for part in troubles)
        return bad("address", f"the server at {listen} is NOT_SERVING: {told}", "its log says why"), True
    return good("address", f"a server answers at {listen}, SERVING"), True


def _is_free(listen: str) -> bool:
    """Try to take the address, and let it go; raises OSError and ValueError for one that this machine cannot have."""
    host, _, port = listen.rpartition(":")
    family, kind, protocol, _, address = socket.getaddrinfo(
        host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with closing(socket.socket(family, kind, protocol)) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


async def health_of(settings: Settings) -> dict[str, bool] | None:
    """Ask a server with these settings whether the whole ("") and its parts are SERVING; None when it does not say."""
    told = {}
    async with _channel(settings) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        for part in ("", "model", "store"):
            try:
                answer = await health.Check(health_pb2.HealthCheckRequest(service=part), timeout=_SECONDS)
            except grpc.RpcError:
                return None
            told[part] = answer.status == _SERVING
    return told


def _channel(settings: Settings) -> grpc.aio.Channel:
    """Connect as a client who trusts the server's own certificate, whatever name it is for."""
    if settings.tls_cert is None or settings.tls_key is None:
        return grpc.aio.insecure_channel(settings.listen)
    names = [name for kind, name in shown(settings.tls_cert, settings.tls_key).get("subjectAltName", ()) if kind]
    return grpc.aio.secure_channel(
        settings.listen,
        grpc.ssl_channel_credentials(settings.tls_cert.read_bytes()),
        [("grpc.ssl_target_name_override", names[0])] if names else [],
    )
