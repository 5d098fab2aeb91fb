"""The options that every command on a gallery has, declared once: which server or store, which gallery, JSON."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer

from gallery.cli.target import Target

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

DEFAULT_STORE = Path("gallery-store")

_PANEL = "Where"

Server = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", envvar="GALLERY_SERVER", rich_help_panel=_PANEL, help="Ask this running gallery server."
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="GALLERY_STORE",
        rich_help_panel=_PANEL,
        show_default=str(DEFAULT_STORE),
        help="Without a server: work directly on this store folder.",
    ),
]
Model = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="GALLERY_MODEL",
        rich_help_panel=_PANEL,
        show_default="the bundled one",
        help="Without a server: the ONNX model to embed with.",
    ),
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", rich_help_panel=_PANEL, help="Deadline of each call to the server.")
]
GalleryName = Annotated[
    str, typer.Option(metavar="NAME", envvar="GALLERY_NAME", rich_help_panel=_PANEL, help="The gallery to work on.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output; for scripts.")]


@dataclass(frozen=True, slots=True)
class Common:
    """What was said by the options that all commands share."""

    target: Target
    gallery_id: str
    as_json: bool


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
    server: Server = None,
    store: Store = None,
    model: Model = None,
    timeout: Timeout = 10.0,
    gallery: GalleryName = "default",
    json: AsJson = False,
) -> Common:
    stated = {name for name in ("server", "store") if _source(ctx, name) == "COMMANDLINE"}
    if stated == {"server", "store"}:
        raise typer.BadParameter("a command works on a server or on a store folder, not on both", ctx=ctx)
    address = None if stated == {"store"} else server
    target = Target(address, DEFAULT_STORE if store is None else store, model, timeout)
    return Common(target, gallery, json)


def _source(ctx: typer.Context, name: str) -> str:
    source = ctx.get_parameter_source(name)
    return "" if source is None else source.name


@functools.cache
def _shared_parameters() -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(_common, eval_str=True).parameters)
