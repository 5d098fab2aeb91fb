"""Where the server listens, in the clear or with TLS whose certificates are read again when their files change."""

import logging
import threading
from pathlib import Path

import grpc

from gallery.errors import InvalidParameter
from gallery.settings import Settings

_log = logging.getLogger(__name__)


def listen(server: grpc.aio.Server, settings: Settings) -> str:
    """Bind the server and return its address; raises InvalidParameter."""
    address = settings.listen
    try:
        if settings.tls_cert is None or settings.tls_key is None:
            port = server.add_insecure_port(address)
        else:
            files = CertificateFiles(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
            port = server.add_secure_port(address, files.credentials())
    except RuntimeError as error:
        raise InvalidParameter(
            f"cannot listen on {address}",
            expected="a host:port of this machine that is free, and with TLS a certificate and the key of it",
            remedy="stop the other server, or choose another address with --listen",
        ) from error
    return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"


class CertificateFiles:
    """A server's certificate, its key, and the authorities of its clients (None: clients show no certificates)."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._files = (key, certificate) if client_ca is None else (key, certificate, client_ca)
        self._lock = threading.Lock()  # gRPC asks from threads of its own
        self._read: tuple[bytes, ...] = ()

    def credentials(self) -> grpc.ServerCredentials:
        """Make gRPC's credentials, which look at the files for every new connection; raises InvalidParameter."""
        try:
            self._read = self._contents()
        except OSError as error:
            raise InvalidParameter(
                f"the file {error.filename} cannot be read ({error.strerror})", expected="a PEM file"
            ) from error
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            self._fetch,  # type: ignore[arg-type]  # None says that nothing changed, which the stubs leave out
            require_client_authentication=len(self._files) == 3,
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Give gRPC what the files hold now, None when it has that already or they cannot be read."""
        with self._lock:
            try:
                contents = self._contents()
                if contents == self._read:
                    return None
                self._read = contents
                _log.info("read the TLS certificate again from %s", self._files[1])
                return self._configuration()
            except OSError as error:
                _log.error("the TLS certificate stays as it was: %s", error)
                return None

    def _contents(self) -> tuple[bytes, ...]:
        return tuple(file.read_bytes() for file in self._files)

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        key, certificate, *authorities = self._read
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], root_certificates=authorities[0] if authorities else None
        )
