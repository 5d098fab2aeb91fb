"""What was found, before hours are spent: people, images, cameras, unreadable files, duplicates by content.

Every sample is decoded once. Duplicates are found by their pixels, so a copy under another name or with other
metadata is still a copy.
"""

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.data.dataset import Dataset, Problem, Sample, by_identity
from export.errors import InvalidData
from gallery.errors import InvalidRequest
from gallery.images import crop, decode

_SHOWN = 5
_LEFT_OUT = 20


@dataclass(frozen=True, slots=True)
class Inspection:
    """A data set whose every sample can be decoded, and what was wrong with the rest."""

    dataset: Dataset
    copies: tuple[tuple[Sample, ...], ...]  # samples of equal pixels, two or more in each group

    @property
    def single(self) -> tuple[str, ...]:
        """People with one image only: nothing can be learned of what makes two of theirs alike."""
        return tuple(name for name, own in by_identity(self.dataset.samples).items() if len(own) == 1)

    def summary(self) -> list[tuple[str, str]]:
        """Return what was found, as lines of a table: the first files and rows that were left out, each with why."""
        samples = self.dataset.samples
        each = np.array([len(own) for own in by_identity(samples).values()] or [0])
        cameras = Counter(sample.camera for sample in samples if sample.camera is not None)
        problems = self.dataset.problems
        lines = [
            ("read as", f"{self.dataset.layout}, {self.dataset.source}"),
            ("people", str(len(self.dataset.identities))),
            ("images", f"{len(samples)} ({each.min()} to {each.max()} a person, median {np.median(each):g})"),
            ("cameras", ", ".join(f"{name}: {count}" for name, count in sorted(cameras.items())) or "not told"),
            ("people with one image", _listed(self.single)),
            ("equal images", f"{sum(map(len, self.copies))} in {len(self.copies)} groups"),
            ("left out", str(len(problems))),
            *(
                (f"  {problem.path.parent.name}/{problem.path.name}", problem.reason)
                for problem in problems[:_LEFT_OUT]
            ),
        ]
        if len(problems) > _LEFT_OUT:
            lines.append(("  …", f"and {len(problems) - _LEFT_OUT} more"))
        return lines


def inspect(dataset: Dataset) -> Inspection:
    """Decode every sample once; what cannot be read is left out with the reason.

    Raises InvalidData when nothing is left, and when two identities are one: a person in two folders, that is,
    names that differ only in case, blanks or accents' encoding, or equal pictures under two identities.
    """
    _refuse_equal_names(dataset.identities)
    readable, problems = [], list(dataset.problems)
    groups: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in dataset.samples:
        try:
            groups[_content(sample)].append(sample)
            readable.append(sample)
        except (InvalidRequest, OSError) as error:
            problems.append(Problem(sample.path, str(error)))
    if not readable:
        raise InvalidData(
            f"none of the {len(dataset.samples)} images of {dataset.source} can be read; "
            f"{problems[-1].path.name}: {problems[-1].reason}"
        )
    copies = tuple(tuple(group) for group in groups.values() if len(group) > 1)
    for group in copies:
        _refuse_two_people(group)
    found = Dataset(dataset.source, dataset.layout, tuple(readable), tuple(problems))
    return Inspection(found, copies)


def refuse_shared(train: Sequence[Sample], test: Sequence[Sample], inspection: Inspection) -> None:
    """Raise InvalidData when an image of ``train`` has a copy in ``test``."""
    left, right = set(train), set(test)
    for group in inspection.copies:
        if left.intersection(group) and right.intersection(group):
            first, second = (next(sample for sample in group if sample in side) for side in (left, right))
            raise InvalidData(
                f"{first.path} trains and {second.path} tests, and they are the same picture",
                expected="no picture on both sides of a split: figures would be too good",
                remedy="delete one of the two",
            )


def without_single(inspection: Inspection, *, leave_out: bool) -> Dataset:
    """Return the data set without people of one image, or raise InvalidData unless ``leave_out``."""
    single = inspection.single
    if single and not leave_out:
        raise InvalidData(
            f"{len(single)} people have one image only: {_listed(single)}",
            expected="at least two images of each person",
            remedy="add images, or choose --set leave_out_single=true",
        )
    dataset = inspection.dataset
    kept = dataset.of(set(dataset.identities) - set(single))
    return Dataset(dataset.source, dataset.layout, kept, dataset.problems)


def _content(sample: Sample) -> str:
    content = sample.path.read_bytes()
    if not content:
        raise OSError("the file is empty (zero bytes)")
    image = decode(content)
    person = image if sample.region is None else crop(image, sample.region)
    digest = hashlib.sha256(str(person.shape).encode())
    digest.update(np.ascontiguousarray(person).data)
    return digest.hexdigest()


def _refuse_equal_names(identities: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in identities:
        plain = "".join(unicodedata.normalize("NFKC", name).casefold().split())
        if plain in seen:
            raise InvalidData(
                f"{seen[plain]!r} and {name!r} look like one person under two names",
                expected="one folder (or identity) a person",
                remedy="move the images together, or rename one of the two clearly",
            )
        seen[plain] = name


def _refuse_two_people(group: Sequence[Sample]) -> None:
    people = sorted({sample.identity for sample in group})
    if len(people) > 1:
        raise InvalidData(
            f"{group[0].path} and {group[-1].path} are the same picture, of {people[0]!r} and of {people[-1]!r}",
            expected="each person under one identity",
            remedy="if the two are one person, move their images together; else delete the wrong copy",
        )


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
