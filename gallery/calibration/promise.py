"""From a gallery and strangers to a threshold that keeps its promise, and what is known about it.

FPIR here is over people: the chance that a picture of a stranger, the stranger drawn first and then the picture, is
taken for somebody. Somebody who left a hundred pictures weighs as much as somebody who left one.

The cohort sets the threshold. If the gallery's own identities, each a stranger to the others, match each other there
significantly more often than the target allows (the cohort is unlike the operator's people or cameras, or one person
is enrolled under two names, which `gallery doctor` shows), they set it, where that is stricter.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

import numpy as np

from gallery.calibration.enrolled import Enrolled
from gallery.calibration.genuine import Genuine, genuine, margin_for, person_means, tpir
from gallery.calibration.strangers import gather
from gallery.calibration.tail import Belief, PairCounts, Scores, TailFit, fit, tail_share
from gallery.domain import (
    CalibrationReport,
    Cohort,
    Fusion,
    Interval,
    OperatingPoint,
    Threshold,
    ThresholdOrigin,
)
from gallery.errors import InvalidParameter, ModelMismatch, NotEnoughEvidence

MIN_PEOPLE = 10  # strangers: fewer say nothing about how people vary
PEOPLE_NEEDED = 0.2  # strangers times target: the law is fitted to their nearest tenth, and carried a decade further
DET_POINTS = 100


@dataclass(frozen=True, slots=True)
class Aim:
    """What is asked for: the share of strangers taken for somebody, in (0, 1), under the gallery's fusion rule."""

    target_fpir: float = 0.01
    fusion: Fusion = Fusion.BEST
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a target that no threshold can have with InvalidParameter."""
        if not 0.0 < self.target_fpir < 1.0:
            raise InvalidParameter(
                f"the target FPIR {self.target_fpir} cannot be reached by any threshold",
                expected="a number between 0 and 1, neither included; 0.01 is 1 stranger in 100",
            )


def calibrate(enrolled: Enrolled, cohort: Cohort, aim: Aim, version: int, now: datetime) -> CalibrationReport:
    """Set a threshold for this gallery; the report says ``applied=False``, for applying is the caller's.

    The 95% intervals of threshold and FPIR are bootstraps over people. ``effective_strangers`` is how many independent
    pictures the strangers' are worth, and ``sufficient`` whether those are 3/target (rule of three: without a single
    false match among 3/p trials, the rate is below p with 95% confidence). Refused are fewer than 10 people, or
    0.2/target: no law can be carried that far.

    Raises ModelMismatch for a cohort of another model, InvalidRequest for contradictory labels and for vectors that
    cannot be its embeddings, and NotEnoughEvidence, which says how many people are needed.
    """
    if cohort.model_digest != enrolled.model_digest:
        raise ModelMismatch(
            f"the cohort was made by model {cohort.model_digest[:12]}…",
            expected=f"the gallery's model {enrolled.model_digest[:12]}…",
            remedy="embed the strangers with the gallery's model",
        )
    _check_evidence(len(set(cohort.people)), aim.target_fpir)
    random = np.random.default_rng(aim.seed)
    strangers = gather(enrolled, cohort, aim.fusion, aim.target_fpir, random)
    effective = effective_number(strangers.cohort, strangers.cohort.quantile(min(0.5, 3.0 * aim.target_fpir)))
    chosen = _choose(strangers.cohort, strangers.pairs, aim, random)
    if _share_interval(strangers.own, chosen.value, random)[0] > aim.target_fpir:
        same_law = PairCounts(np.full(strangers.own.people, chosen.law.exponent), np.ones(strangers.own.people))
        chosen = min(chosen, _choose(strangers.own, same_law, aim, random), key=lambda one: one.value)
    value = chosen.value
    low, high = chosen.belief.interval_of(aim.target_fpir)
    fpirs = chosen.belief.shares_within(value)
    fpir_low, fpir_high = (float(end) for end in np.quantile(fpirs, [0.025, 0.975]))
    own = genuine(enrolled, strangers.own.nearest, strangers.own_rows, aim.fusion)
    margin = margin_for(own, value, aim.target_fpir)
    needed = ceil(3.0 / aim.target_fpir - 1e-9)
    return CalibrationReport(
        threshold=Threshold(
            version=version,
            value=value,
            origin=ThresholdOrigin.CALIBRATED,
            set_at=now,
            margin=margin,
            target_fpir=aim.target_fpir,
            low=min(low, value),
            high=max(high, value),
            identity_count=enrolled.identity_count,
            tail=chosen.law.tail(enrolled.identity_count),
        ),
        tpir=tpir(own, value, margin, aim.seed),
        fpir=Interval(
            float(chosen.belief.shares_within(value).mean()), float(fpir_low), float(fpir_high), int(effective)
        ),
        det=det(chosen.scores, chosen.law, own),
        stranger_people=strangers.cohort.people,
        stranger_images=len(strangers.cohort.nearest),
        effective_strangers=effective,
        strangers_needed=needed,
        sufficient=effective >= needed,
        applied=False,
    )


def corrected(threshold: Threshold, identity_count: int) -> float:
    """Return a calibrated threshold's value for a gallery of ``identity_count`` identities, in [0, 2].

    With N identities FPIR = 1 - (1 - F(d))^N, so the pairs' share F must shrink as N grows; the tail says at which d
    it does. A pinned threshold stays as it is. Other things that change with time (more templates an identity, another
    camera) ask for a new calibration.
    """
    tail, target, before = threshold.tail, threshold.target_fpir, threshold.identity_count
    if tail is None or target is None or before is None or identity_count < 1:
        return threshold.value
    share, wanted = (-np.expm1(np.log1p(-target) / count) for count in (before, identity_count))
    return float(min(2.0, threshold.value * (wanted / share) ** (1.0 / tail.slope)))


def effective_number(scores: Scores, distance: float) -> float:
    """Return how many independent pictures the strangers' are worth for a mean over people.

    With intra-person correlation r of 'within ``distance``' and n_i pictures of person i, person i's mean has
    (1 + (n_i - 1)·r) / n_i of one picture's variance (Kish, "Survey Sampling", 1965, 5.4); r by analysis of variance.
    """
    hits = (scores.nearest <= distance).astype(np.float64)
    pictures = np.bincount(scores.persons, minlength=scores.people).astype(np.float64)
    means = np.bincount(scores.persons, hits, scores.people) / pictures
    total, people = float(pictures.sum()), scores.people
    within = float(((hits - means[scores.persons]) ** 2).sum()) / max(total - people, 1.0)
    between = float((pictures * (means - hits.mean()) ** 2).sum()) / max(people - 1, 1)
    size = (total - float((pictures**2).sum()) / total) / max(people - 1, 1)
    spread = between + (size - 1.0) * within
    correlation = float(np.clip((between - within) / spread, 0.0, 1.0)) if spread > 0.0 else 1.0
    return people**2 / float(((1.0 + (pictures - 1.0) * correlation) / pictures).sum())


def det(scores: Scores, law: TailFit, own: Genuine) -> tuple[OperatingPoint, ...]:
    """Return the detection error trade-off, strict to lenient; empty when no identity has two templates.

    FPIR is the fitted law's where it was fitted and counted beyond; FNIR is of the gallery's own templates.
    """
    if not len(own.own):
        return ()
    strict = [law.distance_of(share) for share in np.geomspace(1e-4, law.share_within(law.limit), DET_POINTS // 2)]
    lenient = np.quantile(scores.nearest, np.linspace(0.0, 1.0, DET_POINTS // 2))
    points = sorted({*strict, *(float(one) for one in lenient if one > law.limit)})
    return tuple(
        OperatingPoint(
            one,
            law.share_within(one) if one <= law.limit else scores.share_within(one),
            1.0 - float(person_means((own.own <= one) & (own.own < own.other), own.owners).mean()),
        )
        for one in points
    )


@dataclass(frozen=True, eq=False)
class _Choice:
    """A threshold, and the scores and laws it comes from."""

    value: float
    scores: Scores
    law: TailFit
    belief: Belief


def _choose(scores: Scores, pairs: PairCounts, aim: Aim, random: np.random.Generator) -> _Choice:
    limit = max(scores.quantile(tail_share(scores.people, aim.target_fpir)), 1e-3)
    everybody = np.ones(scores.people)
    belief = Belief.of(scores, pairs, limit, random)
    law = fit(scores, pairs.exponent(everybody), limit, everybody)
    return _Choice(belief.distance_of(aim.target_fpir), scores, law, belief)


def _share_interval(scores: Scores, distance: float, random: np.random.Generator) -> tuple[float, float]:
    """Return the 95% bootstrap interval, over people, of the share of pictures within ``distance``."""
    shares = person_means(scores.nearest <= distance, scores.persons)
    drawn = random.integers(0, len(shares), (1000, len(shares)))
    low, high = np.quantile(shares[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _check_evidence(people: int, target: float) -> None:
    needed = max(MIN_PEOPLE, ceil(PEOPLE_NEEDED / target - 1e-9))
    if people < needed:
        raise NotEnoughEvidence(
            f"{people} strangers say nothing of a target FPIR of {target:g}",
            expected=f"{_count(needed)} people at least, and {_count(ceil(3.0 / target - 1e-9))} independent pictures "
            "to be sure",
            remedy="bring more strangers, or ask for a larger target",
            people_needed=str(needed),
        )


def _count(number: int) -> str:
    """Write a count as a person reads it: no target is so small that its strangers fill a page."""
    return str(number) if number < 10**9 else f"{float(number):.0e}"
