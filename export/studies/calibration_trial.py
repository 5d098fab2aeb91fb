"""Whether a calibrated threshold keeps its promise on strangers nobody calibrated against, at each size of gallery.

A draw deals people three parts that share nobody: the gallery, the cohort that calibrates, in the form in which
models ship it (`export.shipping.cohort`), and the strangers that test. FPIR is over people (`gallery.calibration`);
realised FPIR is compared with the target by a Wilson interval with the number of independent pictures that both
samples of strangers are worth, the cohort's and the test's: 1/n = 1/n_test + 1/n_cohort. The figures with n_test
alone stand beside it. Each deal is played twice, the cohort and the test changing places, so that neither is the
luckier.

The enrolled are always people the network never saw. Strangers are the other unseen people, or those of training:
they are many, so cohort and test are large, and galleries of all unseen people can be tried. The network has learnt to
tell them from each other, not from the enrolled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from export.errors import InvalidData
from export.evaluation.promise import Met, hindsight, worth
from export.metrics.intervals import wilson_interval
from export.metrics.open_set import enrollable, split_cameras
from export.metrics.retrieval import Labels
from export.shipping.cohort import bundled
from gallery.calibration import Aim, Enrolled, Scores, calibrate, corrected
from gallery.domain import CalibrationReport, Context, Embedding
from gallery.matching import identity_distances

SIZES, TEMPLATES, DRAWS = (10, 50, 100), (1, 4), 40

Strangers: TypeAlias = Literal["unseen", "training"]
MIN_STRANGERS = 20  # people in the cohort, and in the test
_DIGEST = "0" * 64


@dataclass(frozen=True)
class People:
    """All embedded pictures, and which of their people (codes of ``labels``) the network was trained on."""

    embeddings: Embedding
    labels: Labels
    trained: NDArray[np.int64]

    @property
    def unseen(self) -> NDArray[np.int64]:
        """The others."""
        return np.setdiff1d(self.labels.identities, self.trained)


@dataclass(frozen=True)
class Draw:
    """One calibration, what it met, and how many independent pictures the test strangers' are worth."""

    report: CalibrationReport
    met: Met
    strangers_effective: float

    def fpir(self, threshold: float) -> float:
        """Return the realised FPIR at ``threshold``."""
        return self.met.strangers.share_within(threshold)

    def keeps(self, threshold: float, target: float, *, both: bool = True) -> bool:
        """Tell whether the target lies in the 95% interval of the realised FPIR."""
        other = 1.0 / self.report.effective_strangers if both else 0.0
        low, high = wilson_interval(self.fpir(threshold), 1.0 / (1.0 / self.strangers_effective + other))
        return low <= target <= high


@dataclass(frozen=True)
class Trial:
    """All draws of one size of gallery and number of templates."""

    size: int
    templates: int
    target: float
    draws: tuple[Draw, ...]

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """Each draw's calibrated threshold."""
        return np.asarray([draw.report.threshold.value for draw in self.draws], np.float64)

    def kept(self, thresholds: NDArray[np.float64], *, both: bool = True) -> float:
        """Return the share of draws whose realised FPIR has the target in its interval."""
        pairs = zip(self.draws, thresholds, strict=True)
        return float(np.mean([draw.keeps(float(one), self.target, both=both) for draw, one in pairs]))

    def fpir(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each draw's realised FPIR."""
        return np.asarray([draw.fpir(float(one)) for draw, one in zip(self.draws, thresholds, strict=True)], np.float64)

    def tpir(self, thresholds: NDArray[np.float64]) -> float:
        """Return the mean TPIR over draws."""
        return float(np.mean([draw.met.tpir(float(one)) for draw, one in zip(self.draws, thresholds, strict=True)]))

    def oracle(self) -> float:
        """Return the threshold at which all draws' test strangers together realise the target: hindsight's choice."""
        return hindsight([draw.met.strangers for draw in self.draws], self.target)


@dataclass(frozen=True, slots=True)
class Setting:
    """One size of gallery: how many identities with how many templates each, and who the strangers are."""

    size: int
    templates: int
    strangers: Strangers = "unseen"


def trial(people: People, setting: Setting, aim: Aim, draws: int = DRAWS) -> Trial:
    """Calibrate and test ``draws`` galleries, an even number; raises InvalidData when there are too few people."""
    usable = np.intersect1d(enrollable(people.labels), people.unseen)
    others = len(people.trained) if setting.strangers == "training" else len(people.unseen) - setting.size
    if len(usable) < setting.size or others < 2 * MIN_STRANGERS:
        raise InvalidData(
            f"{len(usable)} people to enrol and {others} strangers are too few for a gallery of {setting.size}",
            expected=f"{setting.size} unseen people of two cameras, and {2 * MIN_STRANGERS} strangers beside them",
            remedy="try a smaller gallery, or the people of training as strangers",
        )
    streams = np.random.SeedSequence([aim.seed, setting.size]).spawn(draws // 2)
    made = [_deal(people, usable, setting, aim, np.random.default_rng(stream)) for stream in streams]
    return Trial(setting.size, setting.templates, aim.target_fpir, tuple(draw for pair in made for draw in pair))


def best_fixed(trials: Sequence[Trial]) -> float:
    """Return the one threshold whose FPIR is the fewest times off the target, either way, in its worst setting."""
    grid = np.linspace(min(one.thresholds.min() for one in trials), max(one.thresholds.max() for one in trials), 100)

    def times_off(value: float) -> float:
        rates = [float(one.fpir(np.full(len(one.draws), value)).mean()) / one.target for one in trials]
        return max(abs(float(np.log(max(rate, 1e-6)))) for rate in rates)

    return float(min(grid, key=lambda value: times_off(float(value))))


def grown(small: Trial, large: Trial) -> NDArray[np.float64]:
    """Return the small galleries' thresholds, corrected to the large one's size by their tails, in draw order."""
    return np.asarray([corrected(draw.report.threshold, large.size) for draw in small.draws], np.float64)


def settings(people: People, strangers: Strangers) -> list[Setting]:
    """List every size with every number of templates, as far as there are people for it."""
    spare = len(people.unseen) if strangers == "training" else len(people.unseen) - 2 * MIN_STRANGERS
    return [Setting(size, templates, strangers) for size in SIZES if size <= spare for templates in TEMPLATES]


def _deal(
    people: People, pool: NDArray[np.int64], setting: Setting, aim: Aim, random: np.random.Generator
) -> tuple[Draw, Draw]:
    names = np.sort(random.choice(pool, setting.size, replace=False))
    dealt = [split_cameras(people.labels, int(name), setting.templates, random) for name in names]
    rows = np.concatenate([own for own, _ in dealt])
    enrolled = Enrolled(
        people.embeddings[rows],
        np.repeat(np.arange(setting.size), [len(own) for own, _ in dealt]).astype(np.int64),
        tuple(map(str, names)),
        tuple(Context(camera_id=str(camera)) for camera in people.labels.cameras[rows]),
        _DIGEST,
    )
    probes = np.concatenate([asked for _, asked in dealt])
    met = identity_distances(people.embeddings[probes], enrolled.templates, enrolled.owners, aim.fusion)
    mated = met.min(axis=1).astype(np.float64), names[np.argmin(met, axis=1)] == people.labels.identities[probes]
    others = people.trained if setting.strangers == "training" else np.setdiff1d(people.unseen, names)
    one, other = np.array_split(random.permutation(others), 2)
    return _draw(people, enrolled, mated, (one, other), aim), _draw(people, enrolled, mated, (other, one), aim)


def _draw(
    people: People,
    enrolled: Enrolled,
    mated: tuple[NDArray[np.float64], NDArray[np.bool_]],
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
    aim: Aim,
) -> Draw:
    cohort, test = (np.flatnonzero(np.isin(people.labels.identities, part)) for part in parts)
    shipped = bundled(people.embeddings[cohort], people.labels.of_rows(cohort), _DIGEST, "")
    report = calibrate(enrolled, shipped.cohort("the draw"), aim, 1, datetime.now(UTC))
    _, persons = np.unique(people.labels.identities[test], return_inverse=True)
    met = identity_distances(people.embeddings[test], enrolled.templates, enrolled.owners, aim.fusion)
    strangers = Scores(met.min(axis=1).astype(np.float64), persons.astype(np.int64), len(parts[1]))
    return Draw(report, Met(strangers, *mated), worth(strangers, aim.target_fpir))
