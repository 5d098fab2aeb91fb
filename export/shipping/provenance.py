"""What it takes to make a model again: data, split, recipe, seed and versions, without naming this machine's paths."""

import hashlib
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from export.data.dataset import Dataset, Sample
from export.data.splits import IdentitySplit
from export.errors import InvalidData

_PACKAGES = (
    "identity-gallery",
    "keras",
    "tensorflow",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "numpy",
    "opencv-python-headless",
)


def provenance(keras_file: Path, dataset: Dataset, split: IdentitySplit) -> dict[str, Any]:
    """Describe a training run's model as JSON-able values; ``recipe.json`` is read beside the model, if it is there."""
    train, held_out = dataset.of(split.train), dataset.of(split.held_out)
    recipe = keras_file.parent / "recipe.json"
    return {
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "keras_file": {"name": keras_file.name, "sha256": hashlib.sha256(keras_file.read_bytes()).hexdigest()},
        "data": {
            "layout": dataset.layout,
            "train": {"people": len(split.train), "images": len(train), "sha256": content_digest(train)},
            "held_out": {"people": len(split.held_out), "images": len(held_out), "sha256": content_digest(held_out)},
        },
        "split": {"seed": split.seed, "rule": split.rule, "held_out": list(split.held_out)},
        "recipe": json.loads(recipe.read_text(encoding="utf-8")) if recipe.is_file() else None,
        "versions": {"python": platform.python_version(), **_versions()},
    }


def content_digest(samples: Sequence[Sample]) -> str:
    """Hex SHA-256 over the names and contents of the samples' files, in order: the same files give the same digest."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(f"{sample.identity}/{sample.path.name}\n".encode())
        digest.update(hashlib.sha256(sample.path.read_bytes()).digest())
    return digest.hexdigest()


def checked_split(dataset: Dataset, split: IdentitySplit) -> IdentitySplit:
    """Return ``split``, or raise InvalidData when it names people that the data does not have."""
    missing = sorted(set(split.train + split.held_out) - set(dataset.identities))
    if missing:
        raise InvalidData(
            f"the split names {len(missing)} people that are not in the data, {missing[0]} among them",
            expected="the data that the split was made of",
        )
    return split


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # tensorflow may be tensorflow-cpu
    return found
