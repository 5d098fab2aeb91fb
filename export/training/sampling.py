"""P×K batches: P identities with K images each, decoded and augmented on the host, by seed, epoch and step."""

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from export.data.augment import Augmentation
from export.data.dataset import Sample, by_identity
from export.data.pixels import load
from export.errors import InvalidRecipe
from gallery.domain import Pixels


def identity_batches(
    labels: Sequence[int], identities_a_batch: int, images_each: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Cut one epoch into batches of sample indices, each P identities × K images.

    Every identity's images are shuffled and cut into groups of K, the last one filled up by drawing from the
    same identity; so an epoch sees every image at least once, but for the groups that fill no last batch.
    No batch holds an identity twice.
    """
    order = np.asarray(labels)
    groups: dict[int, list[NDArray[np.int64]]] = {}
    for label in np.unique(order):
        own = rng.permutation(np.flatnonzero(order == label))
        missing = -len(own) % images_each
        filled = np.concatenate([own, rng.choice(own, missing, replace=len(own) < missing)])
        groups[int(label)] = list(filled.reshape(-1, images_each))
    batches = []
    while len(groups) >= identities_a_batch:
        names = np.array(list(groups))
        left = np.array([len(groups[int(name)]) for name in names], np.float64)
        # Identities with much left are drawn more often, so that all run out together.
        chosen = rng.choice(names, identities_a_batch, replace=False, p=left / left.sum())
        batches.append(np.concatenate([groups[int(name)].pop() for name in chosen]))
        groups = {name: own for name, own in groups.items() if own}
    return batches


class IdentityBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """One epoch of augmented P×K batches: (uint8 [P·K, height, width, 3], int32 [P·K])."""

    def __init__(
        self, samples: Sequence[Sample], size: tuple[int, int], augmentation: Augmentation, shape: tuple[int, int]
    ) -> None:
        """``size`` is (height, width); ``shape`` is (P, K). `begin` an epoch before use."""
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        names = list(by_identity(samples))
        if len(names) < shape[0]:
            raise InvalidRecipe(
                f"a batch of {shape[0]} identities cannot be made of {len(names)}",
                remedy=f"choose --set identities_a_batch={len(names)} or fewer, or bring more people",
            )
        self.labels = np.array([names.index(sample.identity) for sample in samples], np.int32)
        self._samples, self._size, self._augmentation, self._shape = samples, size, augmentation, shape
        self._key: tuple[int, int] = (0, 0)
        self._batches: list[NDArray[np.int64]] = []

    def begin(self, seed: int, epoch: int) -> None:
        """Draw the epoch's batches; the same seed and epoch give the same ones."""
        self._key = (seed, epoch)
        self._batches = identity_batches(self.labels.tolist(), *self._shape, np.random.default_rng(self._key))

    def __len__(self) -> int:
        """Count the epoch's batches."""
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Pixels, NDArray[np.int32]]:
        """Decode and augment one batch."""
        rng = np.random.default_rng((*self._key, index))
        rows = self._batches[index]
        images = [self._augmentation(load(self._samples[row], *self._size), rng) for row in rows]
        return np.stack(images), self.labels[rows]
