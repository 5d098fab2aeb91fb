"""A command that has every setting of a server as a flag, made from the settings' declarations.

They are looked at when the command's options are, so that the rest of the command line never loads pydantic. What a
flag says is text, which the settings read and check as they do an environment variable's.
"""

import functools
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from gallery.settings.declared import Declared

_META = "gallery.flags"


class SettingsCommand(TyperCommand):
    """A command whose options are its own and every setting's."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Put the settings' flags before the command's own options."""
        return [*_options(), *super().get_params(ctx)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put what the settings' flags said aside, for `flags_of`."""
        rest = super().parse_args(ctx, args)
        values = {option.name: ctx.params.pop(option.name) for option in _options()}
        ctx.meta[_META] = {
            name: value
            for name, value in values.items()
            if (source := ctx.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
        }
        return rest


def flags_of(ctx: typer.Context) -> dict[str, Any]:
    """Return what the command's flags said of the settings, only those that were given."""
    flags: dict[str, Any] = ctx.meta[_META]
    return flags


@functools.cache
def _options() -> tuple[Any, ...]:
    def declaration() -> None:
        """Carry the options."""

    parameters = {parameter.name: parameter for parameter in _parameters()}
    declaration.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    declaration.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    carrier = typer.Typer(add_completion=False)
    carrier.command()(declaration)
    command: Any = typer.main.get_command(carrier)
    return tuple(command.params)


def _parameters() -> Iterator[inspect.Parameter]:
    from gallery.settings import Settings
    from gallery.settings.declared import declared

    for setting in declared(Settings):
        kind: Any = bool | None if setting.is_switch else list[str] | None if setting.is_list else str | None
        annotation = Annotated[kind, _option(setting)]
        yield inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _option(setting: "Declared") -> Any:
    flag = f"--{setting.name.replace('_', '-')}"
    return typer.Option(
        f"{flag}/--no-{flag[2:]}" if setting.is_switch else flag,
        metavar=None if setting.is_switch else setting.metavar,
        envvar=setting.variable,
        show_default=setting.default or False,
        rich_help_panel=setting.panel,
        help=setting.description,
    )
