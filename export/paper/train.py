"""The paper's recipe from pictures to figures: split, multiply, features of the frozen base, centres, files."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from export.data.augment import Augmentation
from export.data.dataset import Dataset, Sample
from export.data.inspection import Inspection, refuse_shared
from export.data.pixels import load
from export.data.splits import stratified
from export.errors import InvalidData, InvalidRecipe
from export.paper.figures import Classification, classification
from export.paper.head import GramSchmidt, Head
from export.paper.model import classifier, feature_extractor, predict, save
from export.paper.recipe import PaperRecipe
from export.training.checkpoint import replace
from export.training.curves import draw_curves, write_history

_IMAGES_AT_ONCE = 512  # how many multiplied images are in memory
_AUGMENTATION = Augmentation(erase=0.0)


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of people, split within each person before anything is multiplied."""

    seed: int
    people: tuple[str, ...]
    train: Sequence[Sample]
    test: Sequence[Sample]

    def write(self, path: Path) -> None:
        """Write who trains and who tests as JSON; raises CannotSave."""
        sides = {"train": [str(sample.path) for sample in self.train], "test": [str(s.path) for s in self.test]}
        text = json.dumps({"seed": self.seed, "people": self.people, **sides}, indent=1) + "\n"
        replace(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def draw_people(dataset: Dataset, inspection: Inspection, recipe: PaperRecipe, seed: int) -> Draw:
    """Draw people by ``seed`` and split their images; raises InvalidData when that cannot be done.

    A draw takes only people who have images of two moments or more; with everybody wanted, one who has not is
    refused by name.
    """
    people: Sequence[str] = dataset.identities
    if recipe.people is not None:
        moments: dict[str, set[str]] = {name: set() for name in people}
        for sample in dataset.samples:
            moments[sample.identity].add(sample.moment or str(sample.path))
        able = [name for name in people if len(moments[name]) > 1]
        if len(able) < recipe.people:
            raise InvalidData(
                f"{recipe.people} people cannot be drawn: {len(able)} have images of two moments or more",
                remedy="draw fewer, or bring more images",
            )
        people = sorted(np.random.default_rng(seed).choice(able, recipe.people, replace=False).tolist())
    train, test = stratified(dataset.of(people), recipe.test_share, seed)
    refuse_shared(train, test, inspection)
    return Draw(seed, tuple(people), train, test)


class Paper:
    """The frozen base, built once, and what is trained on it, draw by draw."""

    def __init__(self, recipe: PaperRecipe, network: keras.Model) -> None:
        """``network`` is the frozen base: images in −1..1 → feature maps."""
        # The cosine form scales its cosines; only the prototype scales its features.
        scale = recipe.loss.applied_scale if recipe.loss.form == "prototype" else 1.0
        self._features = feature_extractor(network, scale)
        self._recipe = recipe

    def run(self, draw: Draw, folder: Path, tell: Callable[[str], None]) -> Classification:
        """Train on one draw and write model, history, curves, split and figures into ``folder``."""
        recipe, loss = self._recipe, self._recipe.loss
        if loss.gram_schmidt and len(draw.people) > loss.dimension:
            raise InvalidRecipe(
                f"{len(draw.people)} centres cannot be orthogonal in {loss.dimension} dimensions",
                expected="loss.dimension >= the number of people with loss.gram_schmidt",
            )
        folder.mkdir(parents=True, exist_ok=True)
        draw.write(folder / "split.json")
        tell(f"features of {len(draw.train)} images × {recipe.copies} copies, and of {len(draw.test)} to test")
        keras.utils.set_random_seed(draw.seed)
        train_features, train_labels = self._multiplied(draw)
        test_features = self._of(draw.test, None)
        test_labels = _labels(draw.test, draw.people)
        head = Head(len(draw.people), loss)
        head.compile(keras.optimizers.Adam(recipe.learning_rate), jit_compile=keras.backend.backend() == "jax")
        history = head.fit(
            train_features,
            train_labels,
            batch_size=recipe.batch,
            epochs=recipe.epochs,
            validation_data=(test_features, test_labels),
            callbacks=[GramSchmidt()] if loss.gram_schmidt else [],
            verbose=0,
        ).history
        model = classifier(self._features, head.scores)
        save(model, folder)
        write_history(history, folder / "history.csv")
        draw_curves(history, folder / "history.png")
        decided = np.asarray(head.predict(test_features, verbose=0)).argmax(axis=1)
        found = classification(draw.people, test_labels, decided)
        figures = json.dumps({"recipe": asdict(recipe), **found.as_dict()}, indent=1) + "\n"
        replace(folder / "figures.json", lambda path: path.write_text(figures, encoding="utf-8"))
        return found

    def _multiplied(self, draw: Draw) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Features and labels of the training images and ``copies`` − 1 changed copies of each."""
        features = [self._of(draw.train, None)]
        for copy in range(1, self._recipe.copies):
            features.append(self._of(draw.train, np.random.default_rng((draw.seed, copy))))
        return np.concatenate(features), np.tile(_labels(draw.train, draw.people), self._recipe.copies)

    def _of(self, samples: Sequence[Sample], rng: np.random.Generator | None) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(samples), _IMAGES_AT_ONCE):
            some = samples[start : start + _IMAGES_AT_ONCE]
            images = [load(sample, self._recipe.height, self._recipe.width) for sample in some]
            changed = images if rng is None else [_AUGMENTATION(image, rng) for image in images]
            parts.append(predict(self._features, np.stack(changed)))
        return np.concatenate(parts)


def _labels(samples: Sequence[Sample], people: tuple[str, ...]) -> NDArray[np.int64]:
    places = {name: place for place, name in enumerate(people)}
    return np.array([places[sample.identity] for sample in samples], np.int64)
