"""How a client shows who it is and knows whom it talks to: an API key and TLS."""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from gallery.client.channel import is_loopback
from gallery.errors import InvalidParameter

_SENDABLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS to a server: PEM files.

    ``root_certificates``: the authorities that the server's certificate must be of; None for those known to gRPC.
    ``certificate`` and ``key``: the client's own, for a server that asks for them.
    """

    root_certificates: Path | str | None = None
    certificate: Path | str | None = None
    key: Path | str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Make gRPC's credentials; raises InvalidParameter for files that are missing."""
        if (self.certificate is None) != (self.key is None):
            raise InvalidParameter(
                "a client's certificate goes with its key", expected="both certificate and key, or neither"
            )
        return grpc.ssl_channel_credentials(_read(self.root_certificates), _read(self.key), _read(self.certificate))


def checked_key(api_key: str | None, address: str, *, in_the_clear: bool) -> str | None:
    """Return the key; raises InvalidParameter for one that cannot be sent, or that others could read on its way."""
    if api_key is None:
        return None
    if not _SENDABLE.fullmatch(api_key):
        raise InvalidParameter(
            "the API key has characters that no key has", expected="a key that `gallery keys create` showed"
        )
    if in_the_clear and not is_loopback(address):
        raise InvalidParameter(
            f"the API key would go to {address} in the clear, for everybody on the way to read",
            expected="TLS",
            remedy="name tls=Tls(...) (--tls, --tls-ca), or allow_plaintext_key (--allow-plaintext-key) where the "
            "network is your own",
        )
    return api_key


class KeyedStub:
    """A stub whose every call has the key."""

    def __init__(self, stub: Any, api_key: str | None) -> None:
        self._stub = stub
        self._metadata = None if api_key is None else (("authorization", f"Bearer {api_key}"),)

    def __getattr__(self, method: str) -> Any:
        return partial(getattr(self._stub, method), metadata=self._metadata)


def _read(file: Path | str | None) -> bytes | None:
    try:
        return None if file is None else Path(file).read_bytes()
    except OSError as error:
        raise InvalidParameter(f"the file {file} cannot be read ({error.strerror})", expected="a PEM file") from error
