"""What a command works on: a server through its client, or a store folder through the same use cases.

gRPC, OpenCV and ONNX Runtime are imported when a command needs them, so that ``--help`` answers at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import typer

from gallery.cli.secured import Secured

if TYPE_CHECKING:
    from gallery.client import AsyncGalleryClient
    from gallery.settings import Settings
    from gallery.use_cases import GalleryUseCases

    AnyGallery: TypeAlias = AsyncGalleryClient | GalleryUseCases

Answer = TypeVar("Answer")

_SECONDS_FOR_A_WHOLE_GALLERY = 120.0


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """A running server, and the deadline of each call to it in seconds."""

    address: str
    timeout: float
    secured: Secured

    def __str__(self) -> str:
        """Name the target for people."""
        return f"the server {self.address}"

    @property
    def options(self) -> list[str]:
        """The options that name the target."""
        return ["--server", self.address, *self.secured.options]

    @property
    def patient(self) -> "ServerTarget":
        """The same server, for a call over a whole gallery."""
        return replace(self, timeout=max(self.timeout, _SECONDS_FOR_A_WHOLE_GALLERY))


@dataclass(frozen=True, slots=True)
class StoreTarget:
    """A store folder, and the model to embed with (None: the settings' own)."""

    folder: Path
    model: Path | None

    def __str__(self) -> str:
        """Name the target for people."""
        return f"the store folder {self.folder}"

    @property
    def options(self) -> list[str]:
        """The options that name the target."""
        return ["--store", str(self.folder), *([] if self.model is None else ["--model", str(self.model)])]

    @property
    def patient(self) -> "StoreTarget":
        """The same folder, which has no deadline."""
        return self


Target: TypeAlias = ServerTarget | StoreTarget


def ask(target: Target, question: "Callable[[AnyGallery], Awaitable[Answer]]", *, create: bool = False) -> Answer:
    """Open the target, ask, close it again. A store folder that does not exist is made only by what may ``create``."""

    async def open_and_ask() -> Answer:
        async with opened(target, create=create) as gallery:
            return await question(gallery)

    return asyncio.run(open_and_ask())


@asynccontextmanager
async def opened(target: Target, *, create: bool) -> "AsyncIterator[AnyGallery]":
    """Open the server's client, or the store with its model."""
    if isinstance(target, ServerTarget):
        from gallery.client import AsyncGalleryClient

        async with AsyncGalleryClient(target.address, timeout=target.timeout, **target.secured.arguments) as client:
            yield client
        return
    if not create and not target.folder.exists():
        raise typer.BadParameter(
            f"there is no store folder '{target.folder}'; name one that was written before", param_hint="--store"
        )
    from gallery import server

    flags: dict[str, Any] = {"store": target.folder, "qdrant_url": None}
    if target.model is not None:
        flags["model"] = target.model
    async with server.opened(settings_of(flags)) as gallery:
        yield gallery.use_cases


def settings_of(flags: dict[str, Any]) -> "Settings":
    """Make settings of flags, the environment and a settings file; a wrong value is a usage error."""
    from pydantic import ValidationError

    from gallery.errors import InvalidParameter
    from gallery.settings import Settings
    from gallery.settings.addresses import SECRET

    try:
        return Settings(**flags)
    except InvalidParameter as error:
        raise typer.BadParameter(str(error), param_hint="--config or GALLERY_CONFIG") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"]))
        value = "" if first["type"] == SECRET else f" (it is {first['input']!r})"
        raise typer.BadParameter(
            f"{first['msg']}{value}",
            param_hint=f"--{name.replace('_', '-')}, GALLERY_{name.upper()} or {name} in the settings file",
        ) from error
