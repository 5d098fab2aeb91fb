"""What a setting's declaration says beside its type, default and limits: how it is shown to people."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

_METAVARS: dict[object, str] = {int: "N", float: "NUMBER", str: "TEXT", SecretStr: "SECRET"}


@dataclass(frozen=True, slots=True)
class Shown:
    """Metadata of a setting: the word for its value, the heading it stands under, its default where it is a phrase."""

    metavar: str | None = None
    panel: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting as `--help` shows it. ``default`` is empty where nothing is set unless somebody does."""

    name: str
    variable: str
    description: str
    default: str
    metavar: str
    panel: str | None
    is_switch: bool
    is_list: bool
    is_secret: bool


def declared(settings: type[BaseSettings]) -> Iterator[Declared]:
    """Walk the settings in their order."""
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        kinds = [kind for kind in _alternatives(field.annotation) if kind is not type(None)]
        shown = next((note for note in field.metadata if isinstance(note, Shown)), Shown())
        yield Declared(
            name=name,
            variable=f"{prefix}{name}".upper(),
            description=field.description or "",
            default=shown.default or _default(field),
            metavar=shown.metavar or "|".join(_METAVARS.get(kind) or _word(kind) for kind in kinds),
            panel=shown.panel,
            is_switch=kinds == [bool],
            is_list=any(get_origin(kind) in (list, tuple) for kind in kinds),
            is_secret=SecretStr in kinds,
        )


def _alternatives(annotation: object) -> tuple[object, ...]:
    """Take ``int | None`` apart; Literal is one kind."""
    if get_origin(annotation) in (None, Literal, list, tuple):
        return (annotation,)
    return get_args(annotation)


def _word(kind: object) -> str:
    return "|".join(map(str, get_args(kind))) if get_origin(kind) is Literal else "VALUE"


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    return "" if default is None or default in ((), []) else str(default)
