"""What was met before, for any number of keys, in memory that does not grow with them."""

import sqlite3
from types import TracebackType


class Seen:
    """A set of short keys in a temporary database of SQLite, which keeps 2 MB of it in memory and the rest on disk."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, key: bytes) -> bool:
        """Put a key in; returns whether it was new."""
        return bool(self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount)

    def __contains__(self, key: bytes) -> bool:
        """Whether a key was put in."""
        return self._database.execute("SELECT 1 FROM seen WHERE key = ?", (key,)).fetchone() is not None

    def __enter__(self) -> "Seen":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()
