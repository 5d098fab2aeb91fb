"""Open-set identification, 1:N: enrolled people are found while strangers are turned away.

A draw deals the people their parts: some are enrolled, the others are strangers, one half of whom sets the threshold
at the FPIR asked for while the other half shows the FPIR that comes of it. TPIR counts a probe of an enrolled person
whose nearest identity is its own and within the threshold (ISO/IEC 19795-1, rank 1). A person's templates come from
some of their cameras and their probes from the others; templates decide by the rule that the service decides by.
Many draws are pooled, and intervals resample the people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.errors import InvalidData
from export.metrics.intervals import Estimate, bootstrap_mean
from export.metrics.retrieval import Labels
from export.metrics.verification import largest_threshold
from gallery.domain import Embedding, Fusion, Policy
from gallery.matching import identity_distances

DRAWS = 20
DEFAULT_FUSION = Policy().fusion


@dataclass(frozen=True, slots=True)
class Setting:
    """How many are enrolled, with how many templates each, over how many draws; ``fusion`` is how templates decide."""

    gallery_size: int
    templates: int
    draws: int = DRAWS
    seed: int = 0
    fusion: Fusion = DEFAULT_FUSION


@dataclass(frozen=True)
class Roles:
    """One draw, as row numbers (int64). ``templates`` are grouped by identity, in the order of ``enrolled``."""

    enrolled: NDArray[np.int64]
    templates: NDArray[np.int64]
    first_template: NDArray[np.int64]
    probes: NDArray[np.int64]
    calibration: NDArray[np.int64]
    strangers: NDArray[np.int64]

    @property
    def owners(self) -> NDArray[np.int64]:
        """Return whose each template is, as its place in ``enrolled``: int64 [len(templates)]."""
        return np.searchsorted(self.first_template, np.arange(len(self.templates)), "right").astype(np.int64) - 1


@dataclass(frozen=True)
class Scores:
    """What one draw measured: each mated probe's nearest distance and whether it is its own, and the strangers'."""

    probe_identity: NDArray[np.int64]
    nearest: NDArray[np.float32]
    right: NDArray[np.bool_]
    calibration: NDArray[np.float32]
    stranger_identity: NDArray[np.int64]
    strangers: NDArray[np.float32]


@dataclass(frozen=True)
class OpenSet:
    """All draws of one setting."""

    setting: Setting
    draws: tuple[Scores, ...]

    def thresholds(self, fpir: float) -> NDArray[np.float64]:
        """Return each draw's threshold, from its calibration strangers alone: float64 [draws]."""
        return np.asarray([largest_threshold(draw.calibration, fpir) for draw in self.draws], np.float64)

    def tpir(self, fpir: float) -> Estimate:
        """Estimate the share of mated probes identified, at thresholds set for ``fpir``."""
        pairs = zip(self.draws, self.thresholds(fpir), strict=True)
        hits = np.concatenate([draw.right & (draw.nearest <= threshold) for draw, threshold in pairs])
        return bootstrap_mean(
            hits, np.concatenate([draw.probe_identity for draw in self.draws]), f"probes in {len(self.draws)} draws"
        )

    def tpir_curve(self, fpirs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the TPIR at each FPIR, without intervals: float64 [len(fpirs)]."""
        found = [
            np.concatenate(
                [draw.right & (draw.nearest <= largest_threshold(draw.calibration, rate)) for draw in self.draws]
            )
            for rate in fpirs
        ]
        return np.asarray([hits.mean() for hits in found], np.float64)

    def realised_fpir(self, fpir: float) -> Estimate:
        """Estimate the share of the other strangers that match, at thresholds set for ``fpir``."""
        pairs = zip(self.draws, self.thresholds(fpir), strict=True)
        alarms = np.concatenate([draw.strangers <= threshold for draw, threshold in pairs])
        return bootstrap_mean(
            alarms,
            np.concatenate([draw.stranger_identity for draw in self.draws]),
            f"strangers' probes in {len(self.draws)} draws",
        )


def open_set(embeddings: Embedding, labels: Labels, setting: Setting) -> OpenSet:
    """Measure one setting. ``embeddings`` are unit float32 [n, d]; raises InvalidData when there are too few people."""
    streams = np.random.SeedSequence(setting.seed).spawn(setting.draws)
    draws = (deal(labels, setting, np.random.default_rng(stream)) for stream in streams)
    return OpenSet(setting, tuple(_scores(embeddings, labels, roles, setting.fusion) for roles in draws))


def default_gallery_size(labels: Labels) -> int:
    """Return half of the people who can be enrolled: the other half are strangers."""
    return min(len(enrollable(labels)), len(np.unique(labels.identities)) // 2)


def enrollable(labels: Labels) -> NDArray[np.int64]:
    """Return the people seen by two cameras or more (codes): one side enrols them, the other asks."""
    pairs = np.unique(np.stack([labels.identities, labels.cameras], axis=1), axis=0)
    people, cameras = np.unique(pairs[:, 0], return_counts=True)
    return np.asarray(people[cameras >= 2], np.int64)


def deal(labels: Labels, setting: Setting, random: np.random.Generator) -> Roles:
    """Deal the parts of one draw; raises InvalidData when fewer than two strangers are left, or nobody is enrolled."""
    candidates, people = enrollable(labels), np.unique(labels.identities)
    if not 0 < setting.gallery_size <= min(len(candidates), len(people) - 2):
        raise InvalidData(
            f"a gallery of {setting.gallery_size} cannot be drawn from {len(people)} people, "
            f"{len(candidates)} of whom were seen by two cameras",
            expected="at least two people left as strangers",
            remedy="ask for a smaller gallery or bring more people",
        )
    enrolled = np.sort(random.choice(candidates, setting.gallery_size, replace=False))
    others = random.permutation(np.setdiff1d(people, enrolled))
    calibration, strangers = np.array_split(others, 2)
    dealt = [split_cameras(labels, person, setting.templates, random) for person in enrolled]
    counts = [len(templates) for templates, _ in dealt]
    return Roles(
        enrolled.astype(np.int64),
        np.concatenate([templates for templates, _ in dealt]),
        np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64),
        np.concatenate([probes for _, probes in dealt]),
        np.flatnonzero(np.isin(labels.identities, calibration)),
        np.flatnonzero(np.isin(labels.identities, strangers)),
    )


def split_cameras(
    labels: Labels, person: int, templates: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give half of the cameras (rounded up, one left at least) to enrolment; templates go round these cameras.

    The draw's order does not depend on ``templates``: fewer templates are the first of more, with the same probes.
    """
    rows = random.permutation(np.flatnonzero(labels.identities == person))
    cameras = random.permutation(np.unique(labels.cameras[rows]))
    enrolling = cameras[: min(len(cameras) - 1, (len(cameras) + 1) // 2)]
    piles = [rows[labels.cameras[rows] == camera] for camera in enrolling]
    turns = [pile[turn] for turn in range(max(map(len, piles))) for pile in piles if turn < len(pile)]
    return np.asarray(turns[:templates], np.int64), rows[~np.isin(labels.cameras[rows], enrolling)]


def nearest_identities(
    embeddings: Embedding, probes: NDArray[np.int64], roles: Roles, fusion: Fusion = DEFAULT_FUSION
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return each probe's nearest enrolled identity: (cosine distance, place in ``roles.enrolled``)."""
    distances = identity_distances(embeddings[probes], embeddings[roles.templates], roles.owners, fusion)
    place = np.argmin(distances, axis=1)
    return distances[np.arange(len(probes)), place], place.astype(np.int64)


def _scores(embeddings: Embedding, labels: Labels, roles: Roles, fusion: Fusion) -> Scores:
    nearest, place = nearest_identities(embeddings, roles.probes, roles, fusion)
    owners = labels.identities[roles.probes]
    return Scores(
        owners,
        nearest,
        roles.enrolled[place] == owners,
        nearest_identities(embeddings, roles.calibration, roles, fusion)[0],
        labels.identities[roles.strangers],
        nearest_identities(embeddings, roles.strangers, roles, fusion)[0],
    )


def sizes_up_to(largest: int, sizes: Sequence[int] = (5, 10, 20, 50, 100, 200, 500, 1000)) -> list[int]:
    """Return the round gallery sizes below ``largest``, and ``largest``."""
    return [*(size for size in sizes if size < largest), largest]
