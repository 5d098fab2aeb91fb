"""Checkpoints that survive: one file, written beside the last good one and moved over it at once.

The file is a NumPy archive of arrays (no pickles) and one JSON text.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from export.errors import CannotSave, InvalidCheckpoint

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Where a training stands after a whole epoch. ``facts`` is JSON: recipe, split, history, clock."""

    facts: dict[str, Any]
    weights: Sequence[Array]
    average: Sequence[Array]
    optimizer: Sequence[Array]

    def write(self, path: Path) -> None:
        """Write atomically; raises CannotSave, and what was there before stays."""
        arrays: dict[str, Array] = {"facts": np.frombuffer(json.dumps(self.facts).encode(), np.uint8)}
        for group in ("weights", "average", "optimizer"):
            for index, array in enumerate(getattr(self, group)):
                arrays[f"{group}/{index:04d}"] = np.asarray(array)

        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())

        replace(path, save)

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Read a checkpoint that `write` wrote; raises InvalidCheckpoint when it is torn or something else."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                facts = json.loads(archive["facts"].tobytes())
                groups = {
                    group: [archive[name] for name in sorted(archive.files) if name.startswith(group + "/")]
                    for group in ("weights", "average", "optimizer")
                }
        except (OSError, ValueError, KeyError, BadZipFile, EOFError) as error:
            raise InvalidCheckpoint(
                f"{path} is no whole checkpoint", remedy="delete it to begin again, or bring back a good one"
            ) from error
        return cls(facts, **groups)


def replace(path: Path, save: Callable[[Path], object]) -> None:
    """Let ``save`` write a temporary file beside ``path``, then move it over ``path`` in one step.

    Raises CannotSave (a full disk, a folder that is not ours); ``path`` is then what it was before.
    """
    temporary = path.with_name(f".new-{path.name}")
    try:
        save(temporary)
        os.replace(temporary, path)  # noqa: PTH105 (the two are one; this one says what it does)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CannotSave(
            f"{path} could not be written: {error.strerror or error}",
            remedy="free some space or choose another folder, then run the same command again: it goes on from the "
            "last whole epoch",
        ) from error
