"""Train by a recipe, epoch by epoch; after each one everything needed to go on is on disk."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.data.dataset import Sample
from export.data.pixels import load_all
from export.data.splits import IdentitySplit
from export.errors import InvalidCheckpoint
from export.network.backbones import BackboneBuilder, backbone
from export.network.encoder import embedder, encoder
from export.network.learner import Learner
from export.network.recipe import Recipe
from export.training.checkpoint import Array, Checkpoint
from export.training.pace import Pace, RunningAverage
from export.training.progress import TellStep
from export.training.run_folder import RunFolder
from export.training.sampling import IdentityBatches
from export.training.start import starting_weights
from export.training.validation import validate
from gallery.domain import Pixels


@dataclass(frozen=True, slots=True)
class Material:
    """What a training works on: samples on both sides of an identity-disjoint split, and starting weights.

    ``weights`` is 'imagenet', 'none', a .weights.h5 file of the backbone, or another run's checkpoint.npz.
    """

    train: Sequence[Sample]
    held_out: Sequence[Sample]
    split: IdentitySplit
    weights: str


class Training:
    """One run: begun, or taken up again from its folder."""

    def __init__(
        self, recipe: Recipe, material: Material, folder: RunFolder, build: BackboneBuilder = backbone
    ) -> None:
        """Build everything and take up the folder's checkpoint if there is one; raises ExportError."""
        self._recipe, self._material, self._folder = recipe, material, folder
        network, schedule = recipe.network, recipe.schedule
        size = (network.height, network.width)
        shape = (recipe.identities_a_batch, recipe.images_each)
        keras.utils.set_random_seed(recipe.seed)
        self._batches = IdentityBatches(material.train, size, recipe.augmentation, shape)
        self._held_out: Pixels | None = None
        of_a_run = material.weights.endswith(".npz")
        weights = "none" if of_a_run else material.weights
        self._backbone = build(network, weights=weights, precision=schedule.precision)
        self._encoder = encoder(self._backbone, network)
        self._learner = Learner(self._encoder, len(material.split.train), recipe.objective, network.parts)
        # What is validated and saved has the averaged weights, and float32 whatever the training computes in.
        self._averaged = encoder(build(replace(network, mix_style=0.0), weights="none"), network)
        self._served = embedder(self._averaged)
        self._pace = Pace(schedule, max(1, len(material.train) // (shape[0] * shape[1])))
        self._average = RunningAverage(self._encoder, schedule.average)
        self._history: list[dict[str, Any]] = []
        self._head_only: bool | None = None
        if folder.checkpoint.exists():
            self._take_up(Checkpoint.read(folder.checkpoint))
        elif of_a_run:
            centres = np.asarray(keras.ops.convert_to_numpy(self._learner.centres))
            self._put(starting_weights(Path(material.weights), self._encoder, centres, network, build))
            self._average.reset()

    def run(self, tell: Callable[[dict[str, Any]], None], tell_step: TellStep | None = None) -> list[dict[str, Any]]:
        """Train to the end of the schedule; ``tell`` is given each epoch's row. Returns the whole history."""
        self._pace.tell = tell_step
        needed = 12 * 4 * self._learner.count_params()  # two models, a checkpoint and its successor, with room
        self._folder.begin(self._recipe, self._material.split, needed)
        while not self._finished():
            began = time.monotonic()
            self._enter_stage(head_only=len(self._history) < self._recipe.schedule.head_only_epochs)
            self._batches.begin(self._recipe.seed, len(self._history))
            logs = self._learner.fit(self._batches, shuffle=False, verbose=0, callbacks=[self._pace, self._average])
            row = {
                "epoch": len(self._history) + 1,
                "loss": logs.history["loss"][-1],
                "accuracy": logs.history["accuracy"][-1],
                "learning_rate": self._pace.learning_rate(),
                "seconds": time.monotonic() - began,
            }
            self._keep(row)
            tell(self._history[-1])
        return self._history

    def backbone_weights(self) -> list[Array]:
        """Return a copy of the backbone's weights, first layer first."""
        return [np.array(array) for array in self._backbone.get_weights()]

    def _finished(self) -> bool:
        """Tell whether the schedule is over, or the mAP has not risen for ``patience`` validations."""
        schedule, done = self._recipe.schedule, len(self._history)
        if done >= schedule.epochs if schedule.minutes is None else self._pace.progress() >= 1.0:
            return True
        if schedule.patience is None or not done:
            return False
        best = int(np.argmax([row["mean_average_precision"] for row in self._history]))
        return done - 1 - best >= schedule.patience

    def _enter_stage(self, *, head_only: bool) -> None:
        """Freeze or unfreeze; a new stage has other variables to train, so it begins with a new optimizer.

        A frozen batch normalisation keeps the statistics it came with (keras: trainable False is inference).
        """
        if self._head_only == head_only:
            return
        self._head_only = head_only
        schedule = self._recipe.schedule
        for index, layer in enumerate(self._backbone.layers):
            layer.trainable = not head_only and index >= schedule.frozen_layers
        optimizer = keras.optimizers.AdamW(schedule.learning_rate, weight_decay=schedule.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "power"])
        # XLA does not pay on a CPU under TensorFlow; JAX has nothing else.
        self._learner.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
        optimizer.build(self._learner.trainable_variables)

    def _keep(self, row: dict[str, Any]) -> None:
        """Validate with the averaged weights, then write model, history and checkpoint."""
        self._averaged.set_weights(self._average.arrays)
        row |= self._validated()
        best = max((past["mean_average_precision"] for past in self._history), default=-1.0)
        self._folder.keep_model(self._served, best=not row["mean_average_precision"] <= best)
        row["minutes"] = self._pace.elapsed / 60
        row["minutes_left"] = self._pace.remaining() / 60
        self._history.append({name: round(value, 6) for name, value in row.items()})
        facts = {
            "recipe": self._recipe.as_dict(),
            "people": list(self._material.split.train),
            "history": self._history,
            "pace": self._pace.state(),
        }
        optimizer = [np.asarray(keras.ops.convert_to_numpy(value)) for value in self._learner.optimizer.variables]
        weights = [*self._encoder.get_weights(), np.asarray(keras.ops.convert_to_numpy(self._learner.centres))]
        self._folder.keep(Checkpoint(facts, weights, self._average.arrays, optimizer))

    def _validated(self) -> dict[str, float]:
        held_out = self._material.held_out
        if not held_out:
            return {"rank1": float("nan"), "mean_average_precision": float("nan"), "queries": 0}
        if self._held_out is None:
            self._held_out = load_all(held_out, self._recipe.network.height, self._recipe.network.width)
        embeddings = self._served.predict(self._held_out, batch_size=64, verbose=0)
        found = validate(np.asarray(embeddings, np.float32), held_out)
        return {
            "rank1": found.rank(1).value,
            "mean_average_precision": found.mean_average_precision.value,
            "queries": len(found.queries),
        }

    def _take_up(self, checkpoint: Checkpoint) -> None:
        mine = json.loads(json.dumps(self._recipe.as_dict()))
        differing = _differences(mine, checkpoint.facts["recipe"])
        if checkpoint.facts["people"] != list(self._material.split.train):
            differing.append("the training people")
        if differing:
            raise InvalidCheckpoint(
                f"{self._folder.checkpoint} was written by another recipe; what differs: {', '.join(differing)}",
                expected="the recipe and the people the run was begun with",
                remedy="use the same options to go on, or another run folder to begin anew",
            )
        self._history = list(checkpoint.facts["history"])
        self._pace.restore(checkpoint.facts["pace"])
        # The stage of the last whole epoch, whose optimizer was kept; `run` enters the next one if it is due.
        self._enter_stage(head_only=len(self._history) <= self._recipe.schedule.head_only_epochs)
        self._put(checkpoint.weights)
        self._average.restore(checkpoint.average, int(checkpoint.facts["pace"]["step"]))
        for variable, value in zip(self._learner.optimizer.variables, checkpoint.optimizer, strict=True):
            variable.assign(value)

    def _put(self, weights: Sequence[Array]) -> None:
        self._encoder.set_weights(weights[:-1])
        self._learner.centres.assign(weights[-1])


def _differences(mine: dict[str, Any], theirs: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name in sorted(mine.keys() | theirs.keys()):
        left, right = mine.get(name), theirs.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            found += _differences(left, right, f"{prefix}{name}.")
        elif left != right:
            found.append(f"{prefix}{name} ({left} here, {right} there)")
    return found
