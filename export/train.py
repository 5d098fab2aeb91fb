"""Train by a recipe, epoch by epoch; after each one the checkpoint, the history and the model are on disk.

A run is a folder: `checkpoint.npz`, `history.csv`, `split.json`, `recipe.json`, and `inference.keras`, the
average of the weights as uint8 [b, h, w, 3] → unit float32 [b, d]; `best.keras` is the one of the best mAP.
"""

import csv
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.backbones import backbone
from export.checkpoint import Checkpoint, replace
from export.dataset import Sample
from export.encoder import embedder, encoder
from export.errors import InvalidCheckpoint
from export.learner import Learner
from export.pace import Pace, RunningAverage
from export.pixels import load_all
from export.recipe import Recipe
from export.sampling import IdentityBatches
from export.splits import IdentitySplit
from export.validation import retrieval
from gallery.domain import Pixels

CHECKPOINT = "checkpoint.npz"


@dataclass(frozen=True, slots=True)
class Material:
    """What a training works on: samples on both sides of an identity-disjoint split, and starting weights."""

    train: Sequence[Sample]
    held_out: Sequence[Sample]
    split: IdentitySplit
    weights: str  # 'imagenet', 'none', a .weights.h5 file, or another run's checkpoint.npz


class Training:
    """One run: begun or taken up again from its folder."""

    def __init__(self, recipe: Recipe, material: Material, run: Path) -> None:
        """Build everything, and take up the folder's checkpoint if there is one; raises ExportError."""
        self._recipe, self._material, self._run = recipe, material, run
        network, schedule = recipe.network, recipe.schedule
        size = (network.height, network.width)
        shape = (recipe.identities_a_batch, recipe.images_each)
        self._batches = IdentityBatches(material.train, size, recipe.augmentation, shape)
        from_run = material.weights.endswith(".npz")
        self._backbone = backbone(
            network.architecture,
            *size,
            weights="none" if from_run else material.weights,
            alpha=network.alpha,
            last_stride=network.last_stride,
        )
        keras.utils.set_random_seed(recipe.seed)
        both = encoder(self._backbone, network.dimension, network.pooling)
        self._embedder = embedder(both)
        self._learner = Learner(both, len(material.split.train), recipe.objective)
        self._pace = Pace(schedule, len(material.train) // (shape[0] * shape[1]))
        self._average = RunningAverage(self._learner, schedule.average)
        self._history: list[dict[str, Any]] = []
        self._stage: bool | None = None
        self._held_out: Pixels | None = None
        if (run / CHECKPOINT).exists():
            self._take_up(Checkpoint.read(run / CHECKPOINT))
        elif from_run:
            self._start_from(Checkpoint.read(Path(material.weights)))

    def run(self, tell: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
        """Train to the end of the schedule; ``tell`` is given each epoch's row of the history."""
        self._run.mkdir(parents=True, exist_ok=True)
        self._material.split.write(self._run / "split.json")
        (self._run / "recipe.json").write_text(json.dumps(self._recipe.as_dict(), indent=1) + "\n", encoding="utf-8")
        while not self._finished():
            began = time.monotonic()
            epoch = len(self._history)
            self._enter_stage(head_only=epoch < self._recipe.schedule.head_only_epochs)
            self._batches.begin(self._recipe.seed, epoch)
            logs = self._learner.fit(
                self._batches, epochs=1, shuffle=False, verbose=0, callbacks=[self._pace, self._average]
            ).history
            seconds = time.monotonic() - began
            row = {
                "epoch": epoch + 1,
                "loss": logs["loss"][-1],
                "accuracy": logs["accuracy"][-1],
                "learning_rate": self._pace.learning_rate(),
                "images_a_second": len(self._batches)
                * self._recipe.identities_a_batch
                * self._recipe.images_each
                / seconds,
            }
            self._keep(row)
            tell(self._history[-1])
        return self._history

    def _finished(self) -> bool:
        schedule = self._recipe.schedule
        if self._pace.progress() >= 1.0 or (schedule.minutes is None and len(self._history) >= schedule.epochs):
            return True
        if schedule.patience is None or len(self._history) <= schedule.patience:
            return False
        figures = [row["mean_average_precision"] for row in self._history]
        return int(np.argmax(figures)) < len(figures) - schedule.patience

    def _enter_stage(self, *, head_only: bool) -> None:
        """Freeze or unfreeze; a new stage begins with a new optimizer, for other variables are trained."""
        if self._stage == head_only:
            return
        self._stage = head_only
        for index, layer in enumerate(self._backbone.layers):
            layer.trainable = not head_only and index >= self._recipe.schedule.frozen_layers
        schedule = self._recipe.schedule
        optimizer = keras.optimizers.AdamW(schedule.learning_rate, weight_decay=schedule.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "power"])
        # XLA does not pay on a CPU; JAX has nothing else.
        self._learner.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
        optimizer.build(self._learner.trainable_variables)

    def _keep(self, row: dict[str, Any]) -> None:
        """Validate with the averaged weights, then write model, history and checkpoint, the checkpoint last."""
        with self._average.applied():
            found = self._validate()
            row |= found
            replace(self._run / "inference.keras", lambda path: _save(self._embedder, path))
            best = max((past["mean_average_precision"] for past in self._history), default=-1.0)
            if row["mean_average_precision"] > best:
                replace(self._run / "best.keras", lambda path: _save(self._embedder, path))
        row["minutes"] = self._pace.elapsed / 60
        row["minutes_left"] = self._pace.remaining() / 60
        self._history.append({name: round(value, 6) for name, value in row.items()})
        replace(self._run / "history.csv", lambda path: path.write_text(_table(self._history), encoding="utf-8"))
        facts = {
            "recipe": self._recipe.as_dict(),
            "split": list(self._material.split.train),
            "history": self._history,
            "pace": self._pace.state(),
        }
        weights = self._learner.get_weights()
        optimizer = [np.asarray(keras.ops.convert_to_numpy(v)) for v in self._learner.optimizer.variables]
        Checkpoint(facts, weights, self._average.arrays, optimizer).write(self._run / CHECKPOINT)

    def _validate(self) -> dict[str, float]:
        held_out = self._material.held_out
        if not held_out:
            return {"rank1": float("nan"), "mean_average_precision": float("nan"), "queries": 0}
        if self._held_out is None:
            network = self._recipe.network
            self._held_out = load_all(held_out, network.height, network.width)
        found = retrieval(self._embedder.predict(self._held_out, batch_size=64, verbose=0), held_out)
        return {
            "rank1": found.rank1,
            "mean_average_precision": found.mean_average_precision,
            "queries": found.queries,
        }

    def _take_up(self, checkpoint: Checkpoint) -> None:
        where = self._run / CHECKPOINT
        recipe = json.loads(json.dumps(self._recipe.as_dict()))
        differing = _differences(recipe, checkpoint.facts["recipe"])
        if differing or checkpoint.facts["split"] != list(self._material.split.train):
            raise InvalidCheckpoint(
                f"{where} was written by another recipe: {', '.join(differing) or 'other people'} differ",
                expected="the recipe and the people it was begun with",
                remedy="use the same options to go on, or another run folder to begin anew",
            )
        self._history = list(checkpoint.facts["history"])
        self._pace.restore(checkpoint.facts["pace"])
        self._enter_stage(head_only=len(self._history) - 1 < self._recipe.schedule.head_only_epochs)
        self._learner.set_weights(checkpoint.weights)
        self._average.arrays = [np.array(array) for array in checkpoint.average]
        for variable, value in zip(self._learner.optimizer.variables, checkpoint.optimizer, strict=True):
            variable.assign(value)

    def _start_from(self, checkpoint: Checkpoint) -> None:
        """Begin from another run's averaged weights: the same network and people, perhaps another size."""
        shapes = [tuple(weight.shape) for weight in self._learner.weights]
        if shapes != [array.shape for array in checkpoint.average]:
            raise InvalidCheckpoint(
                f"{self._material.weights} holds another network or other people",
                expected="a run of the same architecture, dimension and training people",
            )
        self._learner.set_weights(checkpoint.average)
        self._average.reset()


def _save(model: keras.Model, path: Path) -> None:
    # Keras looks at the suffix; the temporary name keeps it.
    model.save(path)


def _table(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _differences(mine: dict[str, Any], theirs: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name in sorted(mine.keys() | theirs.keys()):
        left, right = mine.get(name), theirs.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            found += _differences(left, right, f"{prefix}{name}.")
        elif left != right:
            found.append(prefix + name)
    return found
