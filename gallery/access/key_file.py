"""The file of keys: JSON, for its owner alone, replaced as a whole; never a token in it."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from pydantic import TypeAdapter, ValidationError

from gallery.access.keys import Key
from gallery.errors import InvalidParameter

_VERSION = 1
_FOR_OTHERS = 0o027  # writable by the group, or anything by everybody
_KEYS = TypeAdapter(tuple[Key, ...])

Stamp: TypeAlias = tuple[int, int, int]


class KeyFile:
    """The keys in a file. Every method raises InvalidParameter for a file that cannot be read or trusted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stamp(self) -> Stamp | None:
        """Tell one state of the file from another: inode, time and size; None where there is none."""
        try:
            state = self.path.stat()
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns, state.st_size

    def read(self) -> tuple[Key, ...]:
        """Read the keys, revoked and expired ones too."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & _FOR_OTHERS:
                    raise InvalidParameter(
                        f"the key file {self.path} can be read or changed by others",
                        expected="a file for the server's user alone",
                        remedy=f"chmod 600 {self.path}",
                    )
                content = json.loads(file.read())
        except OSError as error:
            raise InvalidParameter(
                f"the key file {self.path} cannot be read ({error.strerror})",
                remedy=f"make the first key: gallery keys create NAME --role admin --keys {self.path}",
            ) from error
        except ValueError as error:
            raise self._damaged(str(error)) from error
        if not isinstance(content, dict) or content.get("version") != _VERSION:
            raise self._damaged(f"its version is not {_VERSION}")
        try:
            keys = tuple(key.checked() for key in _KEYS.validate_python(content.get("keys")))
        except ValidationError as error:
            first = error.errors()[0]
            raise self._damaged(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        if len({key.key_id for key in keys}) < len(keys):
            raise self._damaged("two keys have one id")
        return keys

    def change(self, change: Callable[[tuple[Key, ...]], Sequence[Key]]) -> None:
        """Replace the keys by what ``change`` makes of them; several programs may do so at once."""
        try:
            with self._alone():
                self._write(change(self.read() if self.path.exists() else ()))
        except OSError as error:
            raise InvalidParameter(f"the key file {self.path} cannot be written ({error.strerror})") from error

    def _write(self, keys: Sequence[Key]) -> None:
        text = json.dumps({"version": _VERSION, "keys": [asdict(key) for key in keys]}, indent=2, default=str)
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.unlink(missing_ok=True)  # its mode would stay what it was
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _damaged(self, problem: str) -> InvalidParameter:
        return InvalidParameter(
            f"the key file {self.path} is damaged ({problem})",
            expected="a file that `gallery keys` wrote, whole",
            remedy="restore it from a copy",
        )
