"""Identity-disjoint and stratified splits: made before any augmentation, by seed, and written out."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from export.data.dataset import Sample, by_identity
from export.errors import InvalidData


@dataclass(frozen=True, slots=True)
class IdentitySplit:
    """Who trains and who is held out; nobody is in both. The rule and the seed make it again."""

    seed: int
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    rule: str = "sorted identities, shuffled by numpy default_rng(seed); the first ones are held out"

    def __post_init__(self) -> None:
        """Refuse a split that has a person on both sides with InvalidData."""
        both = sorted(set(self.train) & set(self.held_out))
        if both:
            raise InvalidData(f"{len(both)} people are on both sides of the split, {both[0]} among them")

    def write(self, path: Path) -> None:
        """Write the split as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "IdentitySplit":
        """Read a split that `write` wrote; raises InvalidData when it is none."""
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(int(fields["seed"]), tuple(fields["train"]), tuple(fields["held_out"]), fields["rule"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InvalidData(f"{path} is no split", expected="a JSON file written by gallery-export") from error


def identity_disjoint(samples: Sequence[Sample], held_out: int, seed: int) -> IdentitySplit:
    """Hold ``held_out`` identities out of training; raises InvalidData when fewer than two would train."""
    people = sorted({sample.identity for sample in samples})
    if len(people) - held_out < 2:
        raise InvalidData(
            f"{held_out} of {len(people)} people cannot be held out",
            expected="at least two people left to train on",
            remedy=f"hold fewer out, such as --set held_out={len(people) // 3}, or bring more people",
        )
    order = np.random.default_rng(seed).permutation(len(people))
    shuffled = [people[index] for index in order]
    return IdentitySplit(seed, tuple(sorted(shuffled[held_out:])), tuple(sorted(shuffled[:held_out])))


def stratified(samples: Sequence[Sample], test_share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Split each identity's samples into (train, test) by about ``test_share``, moments kept whole.

    Samples of one moment (neighbouring frames) stay on one side; a sample without a moment is its own.
    Every identity has both a train and a test image, or InvalidData says who cannot.
    """
    rng = np.random.default_rng(seed)
    train: list[Sample] = []
    test: list[Sample] = []
    for identity, own in by_identity(samples).items():
        moments: dict[str, list[Sample]] = {}
        for sample in own:
            moments.setdefault(sample.moment or str(sample.path), []).append(sample)
        if len(moments) < 2:
            raise InvalidData(
                f"{identity} has {len(own)} image(s) of one moment, which cannot be on both sides of a split",
                expected="images of at least two moments for each person",
                remedy="add images of this person or leave the person out",
            )
        wanted = max(1, round(test_share * len(own)))
        names = [sorted(moments)[index] for index in rng.permutation(len(moments))]
        chosen: list[Sample] = []
        for name in names[:-1]:
            if len(chosen) >= wanted:
                break
            chosen.extend(moments[name])
        test.extend(chosen)
        taken = set(map(id, chosen))
        train.extend(sample for sample in own if id(sample) not in taken)
    return train, test
