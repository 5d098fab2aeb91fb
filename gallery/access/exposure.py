"""A server that others can reach does not start without TLS and keys, unless it is told so by name."""

import ipaddress

from gallery.errors import InvalidParameter
from gallery.settings import Settings


def is_loopback(address: str) -> bool:
    """Say whether an address (host:port, unix:path) can be reached from this machine alone."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_exposure(settings: Settings) -> None:
    """Raise InvalidParameter for settings of TLS that do not fit together, or that leave the server open."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise InvalidParameter("TLS needs a certificate and its key", expected="both --tls-cert and --tls-key")
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        raise InvalidParameter(
            "--tls-client-ca asks clients for certificates, which takes TLS", expected="--tls-cert and --tls-key too"
        )
    if is_loopback(settings.listen):
        return
    if settings.tls_cert is None and not settings.allow_plaintext:
        raise _refused(
            settings,
            "without TLS, so that everybody on the way can read pictures and keys",
            "name --tls-cert and --tls-key; or, where something before the server does TLS, --allow-plaintext",
        )
    if settings.keys is None and not settings.allow_anonymous:
        raise _refused(
            settings,
            "without API keys, so that everybody who reaches it can erase everybody in it",
            "make a key (gallery keys create NAME --role admin --keys FILE) and name --keys FILE; "
            "or, where something before the server decides who may come, --allow-anonymous",
        )


def _refused(settings: Settings, problem: str, remedy: str) -> InvalidParameter:
    return InvalidParameter(
        f"the server would listen on {settings.listen}, which is not this machine's alone, {problem}",
        remedy=f"{remedy}; or listen on 127.0.0.1",
    )
