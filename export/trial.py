"""A trial of a running service on labelled people: who is enrolled is found, who is not is turned away.

One image of each enrolled person, from one camera, becomes a template; their images from other cameras and those of
strangers become probes. Everything goes through the service as a camera system's pictures would: nothing here
computes a distance.
"""

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.dataset import Sample, by_identity
from export.errors import InvalidData
from export.intervals import Estimate, bootstrap_mean
from gallery.client import AsyncGalleryClient
from gallery.domain import Basis, EncodedImage, Identification
from gallery.errors import GalleryNotFound

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays what in a trial: one template a person, and the probes on either side."""

    templates: tuple[Sample, ...]
    mated: tuple[Sample, ...]
    strangers: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the service said. Intervals are bootstrapped by person.

    ``rank1``: the nearest identity is the right one; ``tpir``: it is, and within the threshold; ``fpir``: a stranger
    is taken for somebody; ``identity_errors``: an enrolled person is taken for somebody else.
    """

    basis: Basis
    rank1: Estimate
    tpir: Estimate
    fpir: Estimate
    identity_errors: Estimate


def cast(samples: Sequence[Sample], enrolled: int, strangers: Sequence[Sample], seed: int = 0) -> Cast:
    """Choose ``enrolled`` people and the camera each is enrolled from; raises InvalidData when there are too few.

    Only people seen by two cameras can be enrolled: a probe from the template's own camera would be too easy.
    """
    random = np.random.default_rng(seed)
    usable = {name: own for name, own in by_identity(samples).items() if len({sample.camera for sample in own}) > 1}
    if len(usable) < enrolled:
        raise InvalidData(
            f"{len(usable)} people were seen by two cameras, {enrolled} are to be enrolled",
            remedy="enrol fewer, or bring more people",
        )
    names = [sorted(usable)[index] for index in random.permutation(len(usable))[:enrolled]]
    templates, mated = [], []
    for name in names:
        template = usable[name][int(random.integers(len(usable[name])))]
        templates.append(template)
        mated += [sample for sample in usable[name] if sample.camera != template.camera]
    others = [sample for sample in strangers if sample.identity not in names]
    return Cast(tuple(templates), tuple(mated), tuple(others))


async def run(client: AsyncGalleryClient, chosen: Cast) -> Outcome:
    """Enrol and identify in a gallery of its own, which is erased afterwards."""
    gallery_id = f"trial-{uuid.uuid4().hex[:12]}"
    await client.create_gallery(gallery_id)
    try:
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def enrol(sample: Sample) -> None:
            async with at_once:
                await client.enroll(gallery_id, sample.identity, [_image(sample)])

        async def ask(sample: Sample) -> Identification:
            async with at_once:
                (answer,) = await client.identify(gallery_id, _image(sample), max_candidates=1)
                return answer

        await asyncio.gather(*map(enrol, chosen.templates))
        mated = await asyncio.gather(*map(ask, chosen.mated))
        strangers = await asyncio.gather(*map(ask, chosen.strangers))
    finally:
        with suppress(GalleryNotFound):
            await client.delete_gallery(gallery_id)
    return _outcome(chosen, mated, strangers)


def _outcome(chosen: Cast, mated: Sequence[Identification], strangers: Sequence[Identification]) -> Outcome:
    people = [sample.identity for sample in chosen.mated]
    others = [sample.identity for sample in chosen.strangers]
    right = np.array(
        [answer.candidates[0].identity_id == name for answer, name in zip(mated, people, strict=True)], bool
    )
    matched = np.array([answer.matched for answer in mated], bool)
    taken = [answer.matched for answer in strangers]
    return Outcome(
        basis=mated[0].basis,
        rank1=bootstrap_mean(right, people, "probes"),
        tpir=bootstrap_mean(right & matched, people, "probes"),
        fpir=bootstrap_mean(taken, others, "probes of strangers"),
        identity_errors=bootstrap_mean(~right & matched, people, "probes"),
    )


def _image(sample: Sample) -> EncodedImage:
    return EncodedImage(Path(sample.path).read_bytes(), () if sample.region is None else (sample.region,))
