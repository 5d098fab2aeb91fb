"""The frozen base: ImageNet's weights, a file's, or those of a run of `gallery-export train`."""

from dataclasses import dataclass, replace
from pathlib import Path

import keras

from export.errors import InvalidWeights
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

    Raises InvalidWeights when a file or run is of another architecture, InvalidCheckpoint when it is torn.
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
    built.set_weights(run.average[: len(built.weights)])
    return Base(_frozen(built), frozenset(run.facts["people"]))


def _frozen(network: keras.Model) -> keras.Model:
    network.trainable = False
    return network
