"""Labelled images of people: what a reader found, before a pixel is decoded.

A sample is one person in one picture. Cameras and moments are None where the source does not tell them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gallery.domain import Region


@dataclass(frozen=True, slots=True)
class Sample:
    """One person in one picture. ``region`` None means the whole picture.

    ``moment`` names the recording it was cut from (neighbouring frames share it), so that a split can keep
    near-duplicates on one side.
    """

    path: Path
    identity: str
    camera: str | None = None
    region: Region | None = None
    moment: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or manifest row that was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was found: samples in a stable order, and what was left out with the reason."""

    source: str
    layout: str
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def identities(self) -> tuple[str, ...]:
        """Every identity once, sorted."""
        return tuple(sorted({sample.identity for sample in self.samples}))

    @property
    def cameras(self) -> tuple[str, ...]:
        """Every camera once, sorted; empty when the source names none."""
        return tuple(sorted({sample.camera for sample in self.samples if sample.camera is not None}))

    def of(self, identities: Iterable[str]) -> tuple[Sample, ...]:
        """Return the samples of these identities, in order."""
        wanted = set(identities)
        return tuple(sample for sample in self.samples if sample.identity in wanted)


def by_identity(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Group samples by identity, identities sorted, order within kept."""
    groups: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.identity].append(sample)
    return dict(sorted(groups.items()))
