"""The frozen base: ImageNet's weights, a file's, or those of a run of `gallery-export train`."""

from dataclasses import dataclass, replace
from pathlib import Path

import keras

from export.errors import InvalidCheckpoint, InvalidWeights
from export.network.backbones import BackboneBuilder, backbone
from export.network.recipe import Network
from export.paper.recipe import PaperRecipe
from export.training.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Base:
    """A frozen network, and the people it was trained on: they must never be drawn to measure it."""

    network: keras.Model
    trained_on: frozenset[str]


def base(recipe: PaperRecipe, weights: str, build: BackboneBuilder = backbone) -> Base:
    """Build the base; ``weights`` is 'imagenet', 'none', a .weights.h5 file, or a run's checkpoint.npz.

    Raises InvalidWeights when a file or run is of another architecture, InvalidCheckpoint when it is torn or of another
    version.
    """
    network = Network(recipe.architecture, recipe.alpha, recipe.height, recipe.width, last_stride=2)
    if not weights.endswith(".npz"):
        return Base(_frozen(build(network, weights=weights)), frozenset())
    run = Checkpoint.read(Path(weights))
    theirs = run.facts["recipe"]["network"]
    if (theirs["architecture"], theirs["alpha"]) != (recipe.architecture, recipe.alpha):
        raise InvalidWeights(
            f"{weights} is a run of {theirs['architecture']} of width {theirs['alpha']}",
            expected=f"{recipe.architecture} of width {recipe.alpha}",
            remedy="choose the run's architecture and alpha with --set",
        )
    built = build(replace(network, last_stride=theirs["last_stride"]), weights="none")
    weights_of_run = run.average[: len(built.weights)]
    fits = [array.shape for array in weights_of_run] == [tuple(weight.shape) for weight in built.weights]
    if not fits or "people" not in run.facts:
        raise InvalidCheckpoint(
            f"{weights} holds other weights than a {recipe.architecture}'s",
            expected="the checkpoint of a run of this version of gallery-export",
            remedy="train the run again, or name a .weights.h5 file",
        )
    built.set_weights(weights_of_run)
    return Base(_frozen(built), frozenset(run.facts["people"]))


def _frozen(network: keras.Model) -> keras.Model:
    network.trainable = False
    return network
