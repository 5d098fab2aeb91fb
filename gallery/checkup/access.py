"""Who may come in: whether the server would start at its address, its keys, and its certificate."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gallery.access import KeyFile, check_exposure, is_loopback
from gallery.checkup.checks import Check, bad, good, warning
from gallery.errors import InvalidParameter
from gallery.settings import Settings

_SOON = 14  # days


def access_checks(settings: Settings) -> Iterator[Check]:
    """Look at what the settings say of access."""
    try:
        check_exposure(settings)
        yield good("exposure", _exposure(settings))
    except InvalidParameter as error:
        yield bad("exposure", str(error), "as it says")
    if settings.metrics_listen is not None and not is_loopback(settings.metrics_listen):
        yield warning(
            "metrics",
            f"{settings.metrics_listen} tells whoever reaches it the names of galleries, and how much they are used",
            "let only Prometheus reach it",
        )
    if settings.keys is not None:
        try:
            yield good("keys", f"{settings.keys} has {len(KeyFile(settings.keys).read())} keys")
        except InvalidParameter as error:
            yield bad("keys", str(error), "as it says")
    if settings.tls_cert is not None and settings.tls_key is not None:
        yield certificate_check(settings.tls_cert, settings.tls_key, time.time())


def certificate_check(certificate: Path, key: Path, now: float) -> Check:
    """See that the key is the certificate's and that clients would take it at ``now``, seconds since 1970."""
    remedy = "name a certificate that is valid and its own key; a server reads new files by itself"
    try:
        days = (ssl.cert_time_to_seconds(str(shown(certificate, key)["notAfter"])) - now) / 86400
    except (OSError, ValueError) as error:  # ssl's own errors are among them
        return bad("certificate", f"{certificate}: {error}", remedy)
    if days < 0:
        return bad("certificate", f"{certificate} expired {-days:.0f} days ago", remedy)
    told = f"{certificate} is valid for {days:.0f} days more"
    return warning("certificate", told, "renew it") if days < _SOON else good("certificate", told)


def shown(certificate: Path, key: Path) -> dict[str, Any]:
    """Return what a certificate says, by a handshake in memory with one who trusts it; raises OSError.

    The standard library reads a certificate only when it is shown by a peer.
    """
    server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server_side.load_cert_chain(certificate, key)
    client_side.load_verify_locations(certificate)
    client_side.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client_side.check_hostname = False
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = client_side.wrap_bio(back, there), server_side.wrap_bio(there, back, server_side=True)
    for peer in (client, server, client):
        try:
            peer.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.getpeercert() or {}


def _exposure(settings: Settings) -> str:
    tls = "in the clear" if settings.tls_cert is None else "with TLS"
    keys = "no keys" if settings.keys is None else "keys"
    return f"{settings.listen} {tls}, {keys} asked for"
