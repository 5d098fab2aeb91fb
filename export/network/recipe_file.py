"""Reading a recipe: a TOML or JSON file, and single choices over it such as `schedule.epochs=40`."""

import json
import math
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from export.errors import InvalidRecipe

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RecipeT = TypeVar("RecipeT", bound="DataclassInstance")


def read_recipe(default: RecipeT, path: Path | None = None, choices: Sequence[str] = ()) -> RecipeT:
    """Start from ``default``, lay the file over it, then each `name=value`; raises InvalidRecipe."""
    return with_choices(default if path is None else _of(default, _overlaid(asdict(default), _file(path))), choices)


def with_choices(recipe: RecipeT, choices: Sequence[str]) -> RecipeT:
    """Return ``recipe`` with each `part.name=value` applied; values are JSON, or else plain words."""
    values = asdict(recipe)
    for choice in choices:
        name, separator, text = choice.partition("=")
        if not separator:
            raise InvalidRecipe(f"{choice!r} chooses nothing", expected="name=value, such as seed=1")
        change: Any = _value(text.strip())
        for part in reversed(name.strip().split(".")):
            change = {part: change}
        values = _overlaid(values, change)
    return _of(recipe, values)


def _file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidRecipe(f"the recipe {path} cannot be read: {error}", expected="TOML, or JSON in .json") from error
    return dict(values)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _overlaid(base: dict[str, Any], over: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        if name not in base:
            raise InvalidRecipe(
                f"a recipe has no {prefix}{name}", expected=f"one of {', '.join(prefix + known for known in base)}"
            )
        if isinstance(base[name], dict):
            if not isinstance(value, dict):
                raise InvalidRecipe(f"{prefix}{name} is a group", expected=f"{prefix}{name}.NAME = value")
            value = _overlaid(base[name], value, f"{prefix}{name}.")  # noqa: PLW2901
        result[name] = value
    return result


def _of(default: RecipeT, values: dict[str, Any]) -> RecipeT:
    try:
        recipe = TypeAdapter(type(default)).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InvalidRecipe(f"the recipe is wrong at {name}: {first['msg']} (it was {first['input']!r})") from error
    _refuse_impossible(asdict(recipe))
    return recipe


def _refuse_impossible(values: dict[str, Any], prefix: str = "") -> None:
    """Refuse what no number of a recipe can be; NaN would train for hours and learn nothing."""
    for name, value in values.items():
        if isinstance(value, dict):
            _refuse_impossible(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not 0 <= value < math.inf:
            raise InvalidRecipe(f"the recipe's {prefix}{name} cannot be {value}", expected="a number of at least 0")
