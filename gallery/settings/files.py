"""Settings from a TOML file: every key is a setting's name, and one that is not is refused."""

import difflib
import tomllib
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, InitSettingsSource

from gallery.errors import InvalidParameter


class SettingsFile(InitSettingsSource):
    """The values of a file, as a source of settings; raises InvalidParameter."""

    def __init__(self, settings: type[BaseSettings], file: Path) -> None:
        super().__init__(settings, values_of(settings, file))


def values_of(settings: type[BaseSettings], file: Path) -> dict[str, Any]:
    """Read a file's values, not yet checked; raises InvalidParameter for one unreadable or with an unknown key."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidParameter(
            f"the settings file {file} cannot be read ({error.strerror})", expected="a readable TOML file"
        ) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise InvalidParameter(f"the settings file {file} is not TOML ({error})") from error
    known = set(settings.model_fields) - {"config"}
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
            raise InvalidParameter(
                f"the settings file {file} sets {key!r}, which is no setting",
                expected=f"{close[0]!r}, perhaps" if close else "a name that `gallery serve --print-config` shows",
            )
    return values
