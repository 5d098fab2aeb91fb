"""Keys for tests."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gallery.access import KeyFile, NewKey, Role, new_key


def made(file: Path, role: Role, *galleries: str, **more: Any) -> NewKey:
    """Make a key and put it into the file."""
    fresh = new_key(f"test-{role}", role, galleries or ("*",), datetime.now(UTC))
    fresh = NewKey(replace(fresh.key, **more), fresh.token)
    KeyFile(file).change(lambda keys: (*keys, fresh.key))
    return fresh


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Write the metadata of a call with this key."""
    return (("authorization", f"Bearer {token}"),)
