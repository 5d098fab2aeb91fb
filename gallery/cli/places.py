"""Where galleries are moved from and to, as one word: store:DIR, qdrant:URL or file:PATH."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import typer

from gallery.cli.target import settings_of

if TYPE_CHECKING:
    from gallery.ports import TemplateStore

PLACES = (
    "store:DIR is a store folder, qdrant:URL a Qdrant server (its key, CA file and replicas by the GALLERY_QDRANT_* "
    "variables; ?grpc=PORT behind the URL for another gRPC port than 6334), file:PATH a backup file."
)


@dataclass(frozen=True, slots=True)
class Place:
    """A store folder, a Qdrant server or a file."""

    kind: str
    name: str

    @classmethod
    def of(cls, text: str, option: str, *kinds: str) -> "Place":
        """Read a place of one of ``kinds``; anything else is a usage error."""
        kind, colon, name = text.partition(":")
        if not colon or not name or kind not in kinds:
            raise typer.BadParameter(
                f"'{text}' is none of {', '.join(f'{each}:…' for each in kinds)}", param_hint=option
            )
        return cls(kind, name)

    @property
    def path(self) -> Path:
        """The folder or file."""
        return Path(self.name)

    def __str__(self) -> str:
        """Name it as it was written."""
        return f"{self.kind}:{self.name}"


@asynccontextmanager
async def opened_store(place: Place, *, create: bool) -> "AsyncIterator[TemplateStore]":
    """Open the store of a place, and see that it answers; a folder that does not exist is made only to ``create``."""
    from gallery import server

    flags: dict[str, Any]
    if place.kind == "store":
        if not create and not place.path.exists():
            raise typer.BadParameter(f"there is no store folder '{place.name}'", param_hint=str(place))
        flags = {"store": place.path, "qdrant_url": None}
    else:
        url = urlsplit(place.name)
        port = parse_qs(url.query).get("grpc")
        flags = {"qdrant_url": url._replace(query="").geturl()}
        flags |= {"qdrant_grpc_port": port[0]} if port else {}
    store = server.open_store(settings_of(flags))
    try:
        await store.check()
        yield store
    finally:
        await store.close()
