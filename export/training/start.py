"""The weights a run begins with when it goes on from another run's."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from export.errors import InvalidCheckpoint
from export.network.backbones import BackboneBuilder
from export.network.encoder import encoder
from export.network.recipe import Network
from export.training.checkpoint import Array, Checkpoint

_BACKBONE = 2  # among an encoder's layers, after the input and its scaling; its name is its own


def starting_weights(
    path: Path, mine: keras.Model, centres: Array, network: Network, build: BackboneBuilder
) -> list[Array]:
    """Return what encoder ``mine`` and then ``centres`` begin with: the averaged weights of the run at ``path``.

    The image size may differ, and the run may have had no stripes: theirs then begin as they are in ``mine``. Raises
    InvalidCheckpoint when the network or the number of people differ otherwise.
    """
    checkpoint = Checkpoint.read(path)
    average, theirs = checkpoint.average, checkpoint.weights[-1]
    if network.stripes and _shapes(average) != _shapes(mine.get_weights()):
        plain = replace(network, stripes=0, mix_style=0.0)
        without = encoder(build(plain, weights="none"), plain)
        if _shapes(average) == _shapes(without.get_weights()) and theirs.shape == (len(centres), network.dimension):
            without.set_weights(average)
            mine.layers[_BACKBONE].set_weights(without.layers[_BACKBONE].get_weights())
            for layer in without.layers[_BACKBONE + 1 :]:
                mine.get_layer(layer.name).set_weights(layer.get_weights())
            average = mine.get_weights()
            theirs = np.concatenate([theirs, centres[:, network.dimension :]], axis=1)
    if _shapes([*average, theirs]) != _shapes([*mine.get_weights(), centres]):
        raise InvalidCheckpoint(
            f"{path} holds another network or other people",
            expected="a run of the same architecture, dimension and number of training people",
        )
    return [*average, theirs]


def _shapes(arrays: Sequence[Array]) -> list[tuple[int, ...]]:
    return [array.shape for array in arrays]
