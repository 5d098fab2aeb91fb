"""The folder of a run: what is written after each epoch, and read when a run is taken up again.

`recipe.json`, `split.json`, `history.csv`; `inference.keras` (the newest averaged weights) and `best.keras`
(those of the best mAP) as uint8 [b, h, w, 3] → unit float32 [b, d]; `checkpoint.npz`, written last.
"""

import csv
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from export.data.splits import IdentitySplit
from export.errors import CannotSave
from export.network.recipe import Recipe
from export.training.checkpoint import Checkpoint, replace


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run lives. Every write replaces a whole file at once, or leaves it; raises CannotSave."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The file a run is taken up from."""
        return self.path / "checkpoint.npz"

    def begin(self, recipe: Recipe, split: IdentitySplit, needed_bytes: int) -> None:
        """Write what is known before the first step, and refuse a disk too full for what will follow."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.path).free
        except OSError as error:
            raise CannotSave(f"{self.path} cannot be used: {error.strerror}", remedy="choose another folder") from error
        if free < needed_bytes:
            raise CannotSave(
                f"{self.path} has {free / 1e6:.0f} MB left",
                expected=f"at least {needed_bytes / 1e6:.0f} MB for checkpoints and models",
                remedy="free some space, or choose a folder on another disk",
            )
        replace(self.path / "split.json", split.write)
        recipe_json = json.dumps(recipe.as_dict(), indent=1) + "\n"
        replace(self.path / "recipe.json", lambda path: path.write_text(recipe_json, encoding="utf-8"))

    def keep_model(self, model: keras.Model, *, best: bool) -> None:
        """Write the model that would be served now, and as the best one when it is that."""
        replace(self.path / "inference.keras", model.save)
        if best:
            replace(self.path / "best.keras", model.save)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Write the history as a table, then the checkpoint."""
        table = _table(checkpoint.facts["history"])
        replace(self.path / "history.csv", lambda path: path.write_text(table, encoding="utf-8"))
        checkpoint.write(self.checkpoint)


def _table(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()
