"""How the command line shows a server who it is, and knows whom it talks to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

_PANEL = "Access"

ApiKey = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        envvar="GALLERY_API_KEY",
        rich_help_panel=_PANEL,
        help="The API key; better by the variable, since other users of the machine see a command's options.",
    ),
]
UseTls = Annotated[
    bool,
    typer.Option(
        "--tls/--no-tls",
        envvar="GALLERY_TLS",
        rich_help_panel=_PANEL,
        help="Talk TLS to a server of a known authority.",
    ),
]
TlsCa = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="GALLERY_TLS_CA",
        rich_help_panel=_PANEL,
        help="Talk TLS to a server of this authority, PEM.",
    ),
]
ClientCert = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="GALLERY_CLIENT_CERT",
        rich_help_panel=_PANEL,
        help="With TLS: your own certificate, PEM, for a server that asks for it.",
    ),
]
ClientKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", envvar="GALLERY_CLIENT_KEY", rich_help_panel=_PANEL, help="The key of your certificate, PEM."
    ),
]
AllowPlaintextKey = Annotated[
    bool,
    typer.Option(
        envvar="GALLERY_ALLOW_PLAINTEXT_KEY",
        rich_help_panel=_PANEL,
        help="Without TLS: send the key to other machines all the same.",
    ),
]


@dataclass(frozen=True, slots=True)
class Secured:
    """The options of a connection; any file of TLS means TLS."""

    api_key: str | None = field(default=None, repr=False)
    tls: bool = False
    tls_ca: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    allow_plaintext_key: bool = False

    @property
    def options(self) -> list[str]:
        """The options again, to be shown: all but the key."""
        files = {"--tls-ca": self.tls_ca, "--client-cert": self.client_cert, "--client-key": self.client_key}
        named = [word for flag, file in files.items() if file is not None for word in (flag, str(file))]
        switches = {"--tls": self.tls, "--allow-plaintext-key": self.allow_plaintext_key}
        return named + [flag for flag, on in switches.items() if on]

    @property
    def arguments(self) -> dict[str, Any]:
        """The same, as a client takes it."""
        from gallery.client import Tls

        wanted = self.tls or any(file is not None for file in (self.tls_ca, self.client_cert, self.client_key))
        return {
            "api_key": self.api_key,
            "tls": Tls(self.tls_ca, self.client_cert, self.client_key) if wanted else None,
            "allow_plaintext_key": self.allow_plaintext_key,
        }
