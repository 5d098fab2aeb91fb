"""Does a picture's measured quality say how often it will be mistaken? Measured on people outside training.

A probe's rank-1 error is that its nearest picture is somebody else's; its FNMR is the share of its own person's
pictures beyond the threshold and its FMR the share of other people's within it, at the threshold whose FMR over all
pictures is 0.1%. Its own person's pictures of its own camera are left out, as the Market protocol has it. FNMR and FMR
are of pairs, so they are the same for a template of that quality. Intervals resample the people (95%).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from export.errors import InvalidData
from export.evaluation.models import Model
from export.metrics.intervals import RESAMPLES, Estimate, bootstrap_mean
from export.metrics.retrieval import Labels, market_queries
from export.metrics.verification import largest_threshold
from export.studies.degradations import all_degradations
from gallery.bundled.directions import Directions
from gallery.domain import Embedding, Pixels, Quality, QualityLimits, QualityReason
from gallery.images import fit, fit_to_measure
from gallery.quality import RECOMMENDED_ENROLMENT, RECOMMENDED_PROBE, judged, measure, strangeness, with_strangeness

FMR = 0.001
RATES = ("rank-1 error", "FNMR", "FMR")
# where each natural measure is cut: shares of the pictures, the extremes finer than the middle
_CUTS = (0.0, 0.02, 0.05, 0.25, 0.75, 0.95, 0.98, 1.0)

Measure = Callable[[Quality], float]
MEASURES: dict[str, Measure] = {
    "sharpness": lambda quality: quality.sharpness,
    "brightness": lambda quality: quality.brightness,
    "contrast": lambda quality: quality.contrast,
    "aspect": lambda quality: quality.height / max(quality.width, 1),
    "strangeness": lambda quality: np.nan if quality.strangeness is None else quality.strangeness,
    "width": lambda quality: quality.width,
}
_MEASURE_OF = {
    QualityReason.TOO_SMALL: "width",
    QualityReason.BLURRED: "sharpness",
    QualityReason.TOO_DARK: "brightness",
    QualityReason.TOO_BRIGHT: "brightness",
    QualityReason.LOW_CONTRAST: "contrast",
    QualityReason.UNLIKELY_SHAPE: "aspect",
    QualityReason.UNLIKE_A_PERSON: "strangeness",
}


@dataclass(frozen=True)
class People:
    """Pictures of people outside training as they were taken, and who is in them and which camera took them."""

    pictures: Sequence[Pixels]
    labels: Labels


@dataclass(frozen=True, slots=True)
class Row:
    """Some pictures: the measure they were chosen or changed by, their error rates, and how these differ.

    ``measured`` is (5th percentile, median, 95th). ``rates`` and ``increase`` are in the order of RATES; the increase
    is over the same pictures unchanged, or over all other pictures. ``refused`` is the share that the limits named
    refuse, for any reason: (as probes, as enrolments). ``caught`` is the share of degraded probes that is refused for
    the reason that the degradation should meet, None of natural pictures.
    """

    name: str
    measure: str
    measured: tuple[float, float, float]
    rates: tuple[Estimate, ...]
    increase: tuple[Estimate, ...]
    refused: tuple[float, float]
    caught: Estimate | None = None


@dataclass(frozen=True)
class Study:
    """Everything measured. ``ordinary`` says, for each reason, the share of untouched pictures that it refuses."""

    threshold: float
    clean: tuple[Estimate, ...]
    natural: tuple[Row, ...]
    degraded: tuple[Row, ...]
    ordinary: dict[str, tuple[float, float]]


def study(model: Model, people: People, directions: Directions, *, seed: int = 0) -> Study:
    """Measure natural variation on every picture, and each degradation on one picture a person and camera."""
    bench = _Bench(model, people, directions)
    rows = np.flatnonzero(bench.genuine.any(axis=1))
    if not len(rows):
        raise InvalidData("nobody was seen by two cameras, so nobody can be missed")
    qualities = bench.qualities(people.pictures, bench.embeddings)
    errors = bench.errors(bench.embeddings[rows], rows)
    whose = people.labels.identities[rows]
    kept = [qualities[row] for row in rows]
    natural = [row for name in MEASURES for row in _natural(name, kept, errors, whose, bench)]
    queries = np.intersect1d(market_queries(people.labels), rows)
    clean = bench.errors(bench.embeddings[queries], queries)
    degraded = []
    for change in all_degradations():
        random = np.random.default_rng(seed)
        pictures = [np.ascontiguousarray(change.change(people.pictures[row], random)) for row in queries]
        vectors = bench.embed(pictures)
        found = bench.qualities(pictures, vectors)
        after, whose_query = bench.errors(vectors, queries), people.labels.identities[queries]
        degraded.append(
            Row(
                change.name,
                _MEASURE_OF[change.reason],
                _spread(found, _MEASURE_OF[change.reason]),
                _means(after, whose_query),
                _means(after - clean, whose_query),
                bench.refused(found),
                bench.caught(found, change.reason, whose_query),
            )
        )
    ordinary = {reason.value: bench.refused(qualities, reason) for reason in QualityReason}
    return Study(
        bench.threshold,
        _means(errors, whose),
        tuple(natural),
        tuple(degraded),
        {**ordinary, "any reason": bench.refused(qualities)},
    )


class _Bench:
    """The untouched pictures, embedded once, that every other picture is compared with."""

    def __init__(self, model: Model, people: People, directions: Directions) -> None:
        self._model, self._directions = model, directions
        self.embeddings = self.embed(people.pictures)
        identities, cameras = people.labels.identities, people.labels.cameras
        self.impostor = identities[:, None] != identities[None]
        self.genuine = ~self.impostor & (cameras[:, None] != cameras[None])
        self.threshold = largest_threshold((1.0 - self.embeddings @ self.embeddings.T)[self.impostor], FMR)
        self._limits = tuple(
            replace(limits, max_strangeness=directions.usual) for limits in (RECOMMENDED_PROBE, RECOMMENDED_ENROLMENT)
        )

    def embed(self, pictures: Sequence[Pixels]) -> Embedding:
        prepared = np.stack([fit(picture, self._model.height, self._model.width) for picture in pictures])
        return np.concatenate([self._model.embed(prepared[row : row + 64]) for row in range(0, len(prepared), 64)])

    def qualities(self, pictures: Sequence[Pixels], embeddings: Embedding) -> list[Quality]:
        strange = strangeness(embeddings, self._directions.rows)
        return [with_strangeness(self._measured(picture), how) for picture, how in zip(pictures, strange, strict=True)]

    def _measured(self, picture: Pixels) -> Quality:
        height, width = picture.shape[:2]
        return measure(fit_to_measure(picture, self._model.height, self._model.width), (height, width))

    def errors(self, embeddings: Embedding, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return each probe's (rank-1 error, FNMR, FMR), [n, 3], where probe i is a version of picture rows[i]."""
        distances = 1.0 - embeddings @ self.embeddings.T
        genuine, impostor = self.genuine[rows], self.impostor[rows]
        own = np.where(genuine, distances, np.inf).min(axis=1)
        others = np.where(impostor, distances, np.inf).min(axis=1)
        missed = (genuine & (distances > self.threshold)).sum(axis=1) / np.maximum(genuine.sum(axis=1), 1)
        matched = (impostor & (distances <= self.threshold)).sum(axis=1) / np.maximum(impostor.sum(axis=1), 1)
        return np.stack([own > others, missed, matched], axis=1).astype(np.float64)

    def refused(self, qualities: Sequence[Quality], reason: QualityReason | None = None) -> tuple[float, float]:
        """Return the share refused (as probes, as enrolments), for one reason or for any."""

        def share(limits: QualityLimits) -> float:
            reasons = [judged(quality, limits).reasons for quality in qualities]
            return float(np.mean([bool(found) if reason is None else reason in found for found in reasons]))

        return share(self._limits[0]), share(self._limits[1])

    def caught(self, qualities: Sequence[Quality], reason: QualityReason, whose: NDArray[np.int64]) -> Estimate:
        """Estimate the share refused as probes for this reason."""
        broken = np.asarray([reason in judged(quality, self._limits[0]).reasons for quality in qualities], np.float64)
        return bootstrap_mean(broken, whose, "pictures")


def _natural(
    name: str, qualities: Sequence[Quality], errors: NDArray[np.float64], whose: NDArray[np.int64], bench: _Bench
) -> list[Row]:
    values = np.asarray([MEASURES[name](quality) for quality in qualities])
    if np.ptp(values) < 1e-9:
        return []  # every picture is alike in it: nothing natural to see
    edges = np.quantile(values, _CUTS)
    rows = []
    for low, high, start, end in zip(edges[:-1], edges[1:], _CUTS[:-1], _CUTS[1:], strict=True):
        inside = (values >= low) & ((values < high) | (end == 1.0))
        if inside.all() or not inside.any():
            continue
        chosen = [quality for quality, kept in zip(qualities, inside, strict=True) if kept]
        rows.append(
            Row(
                f"{name}, {start:.0%} to {end:.0%}",
                name,
                _spread(chosen, name),
                _means(errors[inside], whose[inside]),
                tuple(difference(errors[:, rate], inside, whose) for rate in range(len(RATES))),
                bench.refused(chosen),
            )
        )
    return rows


def difference(
    values: NDArray[np.float64], inside: NDArray[np.bool_], groups: NDArray[np.int64], *, seed: int = 0
) -> Estimate:
    """Estimate mean(values[inside]) - mean(values[~inside]); percentile bootstrap over whole groups, 95%."""
    _, codes = np.unique(groups, return_inverse=True)
    count = int(codes.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    means = []
    for part in (inside, ~inside):
        sums = drawn @ np.bincount(codes[part], values[part], minlength=count)
        counts = drawn @ np.bincount(codes[part], minlength=count)
        means.append(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))
    low, high = np.nanquantile(means[0] - means[1], [0.025, 0.975])
    value = float(values[inside].mean() - values[~inside].mean())
    return Estimate(value, float(low), float(high), int(inside.sum()), "pictures", len(np.unique(groups[inside])))


def _means(errors: NDArray[np.float64], whose: NDArray[np.int64]) -> tuple[Estimate, ...]:
    return tuple(bootstrap_mean(errors[:, rate], whose, "pictures") for rate in range(len(RATES)))


def _spread(qualities: Sequence[Quality], measure_name: str) -> tuple[float, float, float]:
    low, median, high = np.quantile([MEASURES[measure_name](quality) for quality in qualities], (0.05, 0.5, 0.95))
    return float(low), float(median), float(high)
