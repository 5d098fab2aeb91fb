"""The settings that apply, as a file of settings that says of each where it came from. Secrets are not shown."""

import json
import os
from collections.abc import Collection
from pathlib import Path

from gallery.settings import Settings
from gallery.settings.declared import declared
from gallery.settings.files import values_of


def effective(settings: Settings, flags: Collection[str]) -> str:
    """Write the settings as TOML; ``flags`` names those that a flag set."""
    in_file = {} if settings.config is None else values_of(Settings, settings.config)
    variables = {name.upper() for name in os.environ}
    lines = []
    for setting in declared(Settings):
        value = getattr(settings, setting.name)
        if setting.name == "config":
            continue
        if value is None:
            lines.append(f"# {setting.name} is not set")
            continue
        if setting.name in flags:
            origin = "flag"
        elif setting.variable in variables:
            origin = setting.variable
        else:
            origin = str(settings.config) if setting.name in in_file else "default"
        if setting.is_secret:
            lines.append(f"# {setting.name} is set and not shown ({origin})")
        else:
            lines.append(f"{setting.name} = {_toml(value)}  # {origin}")
    return "\n".join(lines)


def _toml(value: object) -> str:
    """Write a string, number, truth value or list of them: in these, TOML reads what JSON writes."""
    return json.dumps(value, default=lambda other: str(other) if isinstance(other, Path) else list(other))
