"""The options that every command on a gallery has, declared once: which server or store, which gallery, JSON."""

import functools
import inspect
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer

from gallery.cli.secured import AllowPlaintextKey, ApiKey, ClientCert, ClientKey, Secured, TlsCa, UseTls
from gallery.cli.target import ServerTarget, StoreTarget, Target

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

DEFAULT_SERVER = "127.0.0.1:50051"

_PANEL = "Where"

Server = Annotated[
    str,
    typer.Option(
        metavar="HOST:PORT", envvar="GALLERY_SERVER", rich_help_panel=_PANEL, help="The gallery server to ask."
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        rich_help_panel=_PANEL,
        help="Work directly on this store folder instead, with no server.",
    ),
]
Model = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="GALLERY_MODEL",
        rich_help_panel=_PANEL,
        show_default="the bundled one",
        help="With --store: the ONNX model to embed with.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        rich_help_panel=_PANEL,
        help="Deadline of each call to the server; at least 120 where it looks at a whole gallery.",
    ),
]
GalleryName = Annotated[
    str, typer.Option(metavar="NAME", envvar="GALLERY_NAME", rich_help_panel=_PANEL, help="The gallery to work on.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output; for scripts.")]


@dataclass(frozen=True, slots=True)
class Common:
    """What was said by the options that all commands share; ``named_gallery`` is None when no gallery was named."""

    target: Target
    gallery_id: str
    named_gallery: str | None
    as_json: bool

    def completed(self, command: str) -> str:
        """Add to a command the options of this server or store, before its ids, so that it can be pasted."""
        words = shlex.split(command)
        return shlex.join([*words[:2], *self.target.options, *words[2:]])

    def command(self, name: str, *ids: str) -> str:
        """Write a command on this gallery, to be pasted."""
        return self.completed(shlex.join(["gallery", name, "--gallery", self.gallery_id, "--", *ids]))


def on_a_gallery(command: Callable[Concatenate[Common, Parameters], Result]) -> Callable[..., Result]:
    """Give a command the shared options; it gets them as its first argument, a Common."""

    @functools.wraps(command)
    def run(ctx: typer.Context, **options: Any) -> Result:
        shared: dict[str, Any] = {name: options.pop(name) for name in _shared_parameters() if name != "ctx"}
        return command(_common(ctx, **shared), **options)  # type: ignore[call-arg]

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature([*_shared_parameters().values(), *keyword_only])  # type: ignore[attr-defined]
    run.__annotations__ = {
        parameter.name: parameter.annotation for parameter in [*_shared_parameters().values(), *keyword_only]
    }
    del run.__wrapped__  # typer would read the options of what is wrapped
    return run


def _common(
    ctx: typer.Context,
    *,
    server: Server = DEFAULT_SERVER,
    store: Store = None,
    model: Model = None,
    timeout: Timeout = 10.0,
    api_key: ApiKey = None,
    tls: UseTls = False,
    tls_ca: TlsCa = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    allow_plaintext_key: AllowPlaintextKey = False,
    gallery: GalleryName = "default",
    json: AsJson = False,
) -> Common:
    named = None if _source(ctx, "gallery") == "DEFAULT" else gallery
    if store is None:
        secured = Secured(api_key, tls, tls_ca, client_cert, client_key, allow_plaintext_key)
        return Common(ServerTarget(server, timeout, secured), gallery, named, json)
    if _source(ctx, "server") == "COMMANDLINE":
        raise typer.BadParameter("a command works on a server or on a store folder, not on both", ctx=ctx)
    return Common(StoreTarget(store, model), gallery, named, json)


def _source(ctx: typer.Context, option: str) -> str:
    """Tell where an option's value came from: COMMANDLINE, ENVIRONMENT or DEFAULT."""
    source = ctx.get_parameter_source(option)
    return "DEFAULT" if source is None else source.name


@functools.cache
def _shared_parameters() -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(_common, eval_str=True).parameters)
