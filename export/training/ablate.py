"""Each ingredient of the light recipe the other way round, on the same split, with paired intervals.

Every row is a run of its own below one folder, so an interrupted table goes on where it was.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from export.data.pixels import load_all
from export.errors import InvalidRecipe
from export.metrics.intervals import Estimate, bootstrap_mean
from export.metrics.retrieval import Retrieval
from export.network.backbones import BackboneBuilder, backbone
from export.network.recipe import Recipe
from export.network.recipe_file import with_choices
from export.training.checkpoint import replace
from export.training.run_folder import RunFolder
from export.training.train import Material, Training
from export.training.validation import validate

AS_CHOSEN = "as chosen"

# What is changed for each row; a row that changes nothing for a recipe is left out of its table.
INGREDIENTS: Mapping[str, tuple[str, ...]] = {
    "last stride 2": ("network.last_stride=2",),
    "last stride 1": ("network.last_stride=1",),
    "GeM pooling": ("network.pooling=gem",),
    "average pooling": ("network.pooling=average",),
    "3 stripes": ("network.stripes=3",),
    "no stripes": ("network.stripes=0",),
    "MixStyle": ("network.mix_style=0.5",),
    "no MixStyle": ("network.mix_style=0",),
    "no BNNeck": ("network.neck=false",),
    "BN momentum 0.999": ("network.norm_momentum=0.999",),
    "no label smoothing": ("objective.smoothing=0",),
    "no triplet": ("objective.triplet=0",),
    "no P×K (64×1, no triplet)": ("identities_a_batch=64", "images_each=1", "objective.triplet=0"),
    "with decorrelation 0.5": ("objective.decorrelation=0.5",),
    "with centralization 0.5": ("objective.centralization=0.5",),
    "no margin": ("objective.margin=0",),
    "no warm-up": ("schedule.warmup_epochs=0",),
    "no cosine decay": ("schedule.cosine=false",),
    "head alone for 1 epoch": ("schedule.head_only_epochs=1",),
    "all layers trained": ("schedule.frozen_layers=0",),
    "no averaged weights": ("schedule.average=0",),
    "no colour jitter": ("augmentation.brightness=0", "augmentation.contrast=0", "augmentation.saturation=0"),
    "no random crop": ("augmentation.shift=0", "augmentation.zoom=0"),
    "no flip": ("augmentation.flip=0",),
    "no random erasing": ("augmentation.erase=0",),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One recipe's figures on the held-out people; ``gain`` is its mAP less the chosen recipe's, query by query."""

    name: str
    rank1: Estimate
    mean_average_precision: Estimate
    gain: Estimate


class Ablation:
    """A table of runs on one split."""

    def __init__(self, recipe: Recipe, material: Material, folder: Path, build: BackboneBuilder = backbone) -> None:
        """``folder`` gets one run a row, and `table.json`."""
        if not material.held_out:
            raise InvalidRecipe("nobody is held out, so nothing can be compared", expected="held_out >= 1")
        self._recipe, self._material, self._folder, self._build = recipe, material, folder, build
        self._pixels = load_all(material.held_out, recipe.network.height, recipe.network.width)

    def run(self, names: Sequence[str], tell: Callable[[Row], None]) -> list[Row]:
        """Train the chosen recipe, then each of ``names``; the table is written after each row."""
        recipes = chosen(self._recipe, names)
        base = self._found(AS_CHOSEN, self._recipe)
        rows: list[Row] = []
        for name, recipe in {AS_CHOSEN: self._recipe, **recipes}.items():
            found = base if name == AS_CHOSEN else self._found(name, recipe)
            # The same queries in the same order: what differs is the model, so people are resampled in pairs.
            difference = found.average_precision - base.average_precision
            gain = bootstrap_mean(difference, base.identities, "queries")
            rows.append(Row(name, found.rank(1), found.mean_average_precision, gain))
            tell(rows[-1])
            self._write(rows)
        return rows

    def _write(self, rows: Sequence[Row]) -> None:
        table = json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
        replace(self._folder / "table.json", lambda path: path.write_text(table, encoding="utf-8"))

    def _found(self, name: str, recipe: Recipe) -> Retrieval:
        folder = self._folder / "".join(letter if letter.isalnum() else "-" for letter in name)
        Training(recipe, self._material, RunFolder(folder), self._build).run(lambda row: None)
        keras.backend.clear_session()
        model = keras.saving.load_model(folder / "inference.keras")
        embeddings = np.asarray(model.predict(self._pixels, batch_size=64, verbose=0), np.float32)
        return validate(embeddings, self._material.held_out)


def chosen(recipe: Recipe, names: Sequence[str]) -> dict[str, Recipe]:
    """Return the changed recipes by name; no names means every ingredient that changes something."""
    unknown = [name for name in names if name not in INGREDIENTS]
    if unknown:
        raise InvalidRecipe(f"there is no ingredient {unknown[0]!r}", expected="one of " + ", ".join(INGREDIENTS))
    changed = {name: with_choices(recipe, INGREDIENTS[name]) for name in (names or INGREDIENTS)}
    return {name: other for name, other in changed.items() if other != recipe}
