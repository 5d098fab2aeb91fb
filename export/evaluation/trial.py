"""A trial of a running service on labelled people: who is enrolled is found, who is not is turned away.

Some images of each enrolled person become templates; their images from other cameras and those of strangers become
probes. Everything goes through the service as a camera system's pictures would: nothing here computes a distance.
When a calibration is tried, its cohort is of third people, neither enrolled nor tried as strangers.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from export.data.dataset import Sample, by_identity
from export.errors import InvalidData
from export.evaluation.promise import Met, worth
from export.metrics.intervals import Estimate, bootstrap_mean, wilson_interval
from gallery.calibration import Scores, person_means
from gallery.client import AsyncGalleryClient
from gallery.domain import Basis, Cohort, EncodedImage, Identification
from gallery.errors import GalleryNotFound

_AT_ONCE = 8
_OF_A_STRANGER = 8  # pictures in the cohort, as many as ship with a model

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Parts:
    """How many people are enrolled, with how many templates each, and how many pictures of a person are probes."""

    enrolled: int
    templates: int = 1
    probes: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays what in a trial."""

    templates: tuple[Sample, ...]
    mated: tuple[Sample, ...]
    strangers: tuple[Sample, ...]
    cohort: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the service said. Intervals are bootstrapped by person, but for ``fpir``'s.

    ``rank1``: the nearest identity is the right one; ``tpir``: it is, and it is a match; ``identity_errors``: an
    enrolled person is taken for somebody else. ``fpir``: a stranger is taken for somebody, people weighing the same;
    its interval is Wilson's with as many independent pictures as both samples of strangers are worth, these and
    the cohort's that calibrated, if any did: 1/n = 1/n_these + 1/n_cohort. ``met``: what any threshold would have
    met.
    """

    basis: Basis
    rank1: Estimate
    tpir: Estimate
    fpir: Estimate
    identity_errors: Estimate
    met: Met


def cast(
    samples: Sequence[Sample], parts: Parts, *, strangers: Sequence[Sample] = (), cohort_share: float = 0.0
) -> Cast:
    """Deal the parts; raises InvalidData when there are too few people.

    A person's templates come from one camera after another and their probes from the cameras left, so only people
    seen by two cameras can be enrolled. Strangers are the people not enrolled, or those given; ``cohort_share`` of them
    are the cohort that calibrates.
    """
    random = np.random.default_rng(parts.seed)
    people = by_identity(samples)
    usable = sorted(name for name, own in people.items() if len({sample.camera for sample in own}) > 1)
    if len(usable) < parts.enrolled:
        raise InvalidData(
            f"{len(usable)} people were seen by two cameras, {parts.enrolled} are to be enrolled",
            remedy="enrol fewer, or bring more people",
        )
    names = [usable[index] for index in random.permutation(len(usable))[: parts.enrolled]]
    templates: list[Sample] = []
    mated: list[Sample] = []
    for name in names:
        chosen, probes = _deal(people[name], parts.templates, random)
        templates += chosen
        mated += _some(probes, parts.probes, random)
    others = by_identity(strangers or [sample for sample in samples if sample.identity not in names])
    order = [sorted(others)[index] for index in random.permutation(len(others))]
    cohort = int(len(order) * cohort_share)
    return Cast(
        tuple(templates),
        tuple(mated),
        tuple(sample for name in order[cohort:] for sample in _some(others[name], parts.probes, random)),
        tuple(sample for name in order[:cohort] for sample in _some(others[name], _OF_A_STRANGER, random)),
    )


async def run(client: AsyncGalleryClient, chosen: Cast, target: float) -> Outcome:
    """Enrol, calibrate when there is a cohort, and identify, in a gallery of its own that is erased afterwards."""
    async with _gallery(client) as gallery_id:
        await _each(chosen.templates, lambda sample: client.enroll(gallery_id, sample.identity, [_image(sample)]))
        calibrated_on = None
        if chosen.cohort:
            patient = client.with_timeout(60)
            cohort = await _cohort(client, chosen.cohort)
            calibrated_on = (await patient.calibrate(gallery_id, target_fpir=target, cohort=cohort)).effective_strangers

        async def ask(sample: Sample) -> Identification:
            (answer,) = await client.identify(gallery_id, _image(sample), max_candidates=1)
            return answer

        mated = await _each(chosen.mated, ask)
        strangers = await _each(chosen.strangers, ask)
    met = _met(chosen, mated, strangers)
    rarely = worth(met.strangers, target)
    n = rarely if calibrated_on is None else 1.0 / (1.0 / rarely + 1.0 / calibrated_on)
    return _outcome(chosen, (mated, strangers), met, n)


def _deal(own: Sequence[Sample], count: int, random: np.random.Generator) -> tuple[list[Sample], list[Sample]]:
    """Choose ``count`` templates from all cameras but one at least, in turn; the rest of the others are probes."""
    cameras = [str(camera) for camera in random.permutation(sorted({str(sample.camera) for sample in own}))]
    enrolling = cameras[: max(1, min(count, len(cameras) - 1))]
    piles = [[sample for sample in own if str(sample.camera) == camera] for camera in enrolling]
    piles = [[pile[index] for index in random.permutation(len(pile))] for pile in piles]
    turns = [pile[turn] for turn in range(max(map(len, piles))) for pile in piles if turn < len(pile)]
    return turns[:count], [sample for sample in own if str(sample.camera) not in enrolling]


def _some(samples: Sequence[Sample], most: int | None, random: np.random.Generator) -> list[Sample]:
    return [samples[index] for index in random.permutation(len(samples))[:most]]


async def _cohort(client: AsyncGalleryClient, samples: Sequence[Sample]) -> Cohort:
    answers = await _each(samples, lambda sample: client.embed(_image(sample)))
    vectors = np.stack([person.embedding for (person,) in answers])
    return Cohort(answers[0][0].model_digest, vectors, tuple(sample.identity for sample in samples))


async def _each(samples: Iterable[Sample], ask: Callable[[Sample], Awaitable[Answer]]) -> list[Answer]:
    """Ask about each sample, a few at once; answers in order."""
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def one(sample: Sample) -> Answer:
        async with at_once:
            return await ask(sample)

    return list(await asyncio.gather(*map(one, samples)))


@asynccontextmanager
async def _gallery(client: AsyncGalleryClient) -> AsyncIterator[str]:
    gallery_id = f"trial-{uuid.uuid4().hex[:12]}"
    await client.create_gallery(gallery_id)
    try:
        yield gallery_id
    finally:
        with suppress(GalleryNotFound):
            await client.delete_gallery(gallery_id)


def _met(chosen: Cast, mated: Sequence[Identification], strangers: Sequence[Identification]) -> Met:
    names, persons = np.unique([sample.identity for sample in chosen.strangers], return_inverse=True)
    return Met(
        Scores(_nearest(strangers), persons.astype(np.int64), len(names)),
        _nearest(mated),
        np.array(
            [
                answer.candidates[0].identity_id == sample.identity
                for answer, sample in zip(mated, chosen.mated, strict=True)
            ],
            bool,
        ),
    )


def _nearest(answers: Sequence[Identification]) -> NDArray[np.float64]:
    return np.array([answer.candidates[0].distance for answer in answers], np.float64)


def _outcome(
    chosen: Cast, answers: tuple[Sequence[Identification], Sequence[Identification]], met: Met, n: float
) -> Outcome:
    mated, strangers = answers
    people = [sample.identity for sample in chosen.mated]
    matched = np.array([answer.matched for answer in mated], bool)
    taken = np.array([answer.matched for answer in strangers], bool)
    fpir = float(person_means(taken, met.strangers.persons).mean())
    return Outcome(
        basis=mated[0].basis,
        rank1=bootstrap_mean(met.right, people, "probes"),
        tpir=bootstrap_mean(met.right & matched, people, "probes"),
        fpir=Estimate(fpir, *wilson_interval(fpir, n), len(taken), "probes of strangers", met.strangers.people),
        identity_errors=bootstrap_mean(~met.right & matched, people, "probes"),
        met=met,
    )


def _image(sample: Sample) -> EncodedImage:
    return EncodedImage(Path(sample.path).read_bytes(), () if sample.region is None else (sample.region,))
