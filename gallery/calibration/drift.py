"""Whether strangers lie where calibration said that they would: what each answered probe adds to that question.

A calibrated threshold t rests on a law: with N identities the share of strangers nearer to somebody than d is
G(d) = 1 - exp(-N·F(d)), and ln F is linear in ln d with slope k (see `tail`). As G(t) is the target FPIR,

    G(d) = 1 - (1 - target)^((d / t)^k),

whatever the size of the gallery, for t was corrected for that. The law was fitted to what is nearer than the u where
G(u) = 3·target, or a tenth if that is less, and says nothing beyond. It foretells two things:

* of probes that **nobody matched**, (G(u) - target) / (1 - target) lie between t and u: *near*;
* of probes that **somebody matched** and that are that person's, 1 - (1 - G(u))^((N - 1) / N) have another identity
  nearer than u: to all but one of the identities they are strangers.

Counted over many probes, near ones observed over near ones expected is a standardised ratio (Breslow and Day,
"Statistical Methods in Cancer Research" II, IARC 1987, ch. 2). Of strangers the first is about 1 while the law holds;
enrolled people who are missed add to it, and people who resemble each other to the second, so each is compared with
what it was after the calibration. Chance moves it by about 1 / sqrt(expected), if the probes are independent, which
frames of one person are not. Both rise: strangers come nearer than they did, and more of them are taken for somebody
than the target allows; calibrate anew. Only the first rises: people who are enrolled come further away than their
threshold and are missed; enrol fresh pictures. Both fall: everybody lies further away, as poorer pictures make them.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import expm1, log1p

from gallery.domain import Identification, Threshold, ThresholdSource

_FITTED_TO, _TARGETS = 0.1, 3.0  # of the strangers; `tail.tail_share` is never less


class Among(StrEnum):
    """Which probes a count is among."""

    UNMATCHED = "unmatched"
    MATCHED = "matched"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one probe adds: among which it counts, whether it was near, and how likely the law made that, in (0, 1)."""

    among: Among
    near: bool
    expected: float


def sighting(answer: Identification, threshold: Threshold | None) -> Sighting | None:
    """Look at one answered probe; ``threshold`` is its gallery's. The candidates must be of the whole gallery.

    None where the law says nothing: another threshold was applied, there is no tail, its target is a tenth or more,
    or there is no identity that the probe could be a stranger to.
    """
    basis, target = answer.basis, answer.basis.target_fpir
    if threshold is None or threshold.tail is None or basis.threshold_source is not ThresholdSource.GALLERY:
        return None
    if target is None or target >= _FITTED_TO or not answer.candidates or basis.threshold <= 0.0:
        return None
    nearest, reach = answer.candidates[0].distance, min(_FITTED_TO, _TARGETS * target)
    limit = basis.threshold * (log1p(-reach) / log1p(-target)) ** (1.0 / threshold.tail.slope)
    if nearest > basis.threshold:
        return Sighting(Among.UNMATCHED, nearest <= limit, (reach - target) / (1.0 - target))
    others = (threshold.identity_count or 1) - 1
    if answer.margin is None or others < 1:
        return None
    expected = -expm1(log1p(-reach) * others / (others + 1))
    return Sighting(Among.MATCHED, nearest + answer.margin <= limit, expected)
