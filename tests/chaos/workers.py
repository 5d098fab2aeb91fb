"""Clients that change one gallery all at once by plans drawn from a seed, until the server is gone."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TypeAlias

import numpy as np

from gallery import GalleryClient
from gallery.domain import BulkItem, Cohort, EncodedImage, Fusion, Policy, StreamProbe
from tests.chaos.truth import GALLERY, Truth, digest_of, pngs
from tests.pictures import png_of
from tests.tiny_model import DIMENSION

_BULK = 40
_STRANGERS = 40


@dataclass
class Work:
    """What workers share: the server, what they know of it, and when to stop."""

    client: GalleryClient
    truth: Truth
    cohort: Cohort
    stop: Event


Worker: TypeAlias = Callable[[Work, random.Random, str], None]


def singly(work: Work, dice: random.Random, name: str) -> None:
    """Enrol, erase, merge and split, one call after another."""
    truth, client = work.truth, work.client
    while not work.stop.is_set():
        people = truth.people(name)
        chance = dice.random()
        if len(people) < 3 or chance < 0.5:
            _enrol(work, dice, name)
        elif chance < 0.65:
            identity_id = dice.choice(sorted(people))
            truth.under_way(people[identity_id], None)
            receipt = client.delete_identity(GALLERY, identity_id)
            assert receipt.template_count == len(people[identity_id])
            truth.receipts.append(receipt)
            truth.acknowledged(people[identity_id], None)
        elif chance < 0.85:
            kept, merged = dice.sample(sorted(people), 2)
            truth.under_way(people[merged], kept)
            with truth.moving(people[merged]):
                client.merge_identities(GALLERY, kept, merged)
            truth.acknowledged(people[merged], kept)
        else:
            _split(work, dice, name, dice.choice(sorted(people)))


def in_bulk(work: Work, dice: random.Random, name: str) -> None:
    """Enrol by one stream after another."""
    truth = work.truth
    while not work.stop.is_set():
        pictures = [truth.picture() for _ in range(dice.randint(1, _BULK))]
        for picture in pictures:
            truth.under_way([picture], f"{name}-{picture}")
        items = (BulkItem(str(each), f"{name}-{each}", EncodedImage(png_of(each))) for each in pictures)
        for result in work.client.bulk_enroll(GALLERY, items):
            if result.error is not None:
                raise result.error
            truth.acknowledged([int(result.item_id)], f"{name}-{result.item_id}")


def calibrating(work: Work, dice: random.Random, name: str) -> None:
    """Calibrate again and again for one target after another."""
    truth = work.truth
    while not work.stop.is_set():
        truth.target_tried = dice.choice([0.1, 0.2, 0.3])
        report = work.client.calibrate(GALLERY, target_fpir=truth.target_tried, cohort=work.cohort)
        truth.thresholds.append(report.threshold)
        truth.target_tried = None
        truth.acknowledged([], None)
        work.stop.wait(dice.random() / 10)


def streaming(work: Work, dice: random.Random, name: str) -> None:
    """Ask by a stream, of which every answer must be one."""

    def probes() -> Iterator[StreamProbe]:
        number = 0
        while not work.stop.is_set():
            number += 1
            yield StreamProbe(f"{name}-{number}", EncodedImage(png_of(dice.randint(0, 20))))

    for answer in work.client.identify_stream(GALLERY, probes()):
        if answer.error is not None:
            raise answer.error


def prepared(client: GalleryClient, truth: Truth) -> Cohort:
    """Create the gallery with its first people, and draw strangers to calibrate against."""
    client.create_gallery(GALLERY, policy=Policy(fusion=Fusion.BEST))  # so that each picture finds itself
    for name in ("first", "second"):
        pictures = [truth.picture(), truth.picture()]
        client.enroll(GALLERY, name, pngs(pictures))
        truth.acknowledged(pictures, name)
    rows = np.random.default_rng(3).normal(size=(_STRANGERS, DIMENSION)).astype(np.float32)
    people = tuple(f"stranger-{number}" for number in range(_STRANGERS))
    digest = client.get_gallery(GALLERY).model_digest
    return Cohort(digest, rows / np.linalg.norm(rows, axis=1, keepdims=True), people)


@contextmanager
def at_work(work: Work, seed: int, *workers: Worker) -> Iterator[list["Future[None]"]]:
    """Have workers work, each by its own dice, until the block ends; what ended them is in their futures."""
    with ThreadPoolExecutor(len(workers)) as pool:
        futures = [
            pool.submit(worker, work, random.Random(f"{seed}/{number}"), f"{worker.__name__}{number}")
            for number, worker in enumerate(workers)
        ]
        try:
            yield futures
        finally:
            work.stop.set()


def _enrol(work: Work, dice: random.Random, name: str) -> None:
    pictures = [work.truth.picture() for _ in range(dice.randint(1, 3))]
    owner = f"{name}-{pictures[0]}"
    work.truth.under_way(pictures, owner)
    result = work.client.enroll(GALLERY, owner, pngs(pictures), all_or_nothing=True)
    assert len(result.templates) == len(pictures)
    work.truth.acknowledged(pictures, owner)


def _split(work: Work, dice: random.Random, name: str, identity_id: str) -> None:
    templates = work.client.get_identity(GALLERY, identity_id).templates
    pictures = work.truth.people(name)[identity_id]
    assert len(templates) == len(pictures)
    if len(templates) < 2:
        return
    leaving = dice.sample(pictures, dice.randint(1, len(pictures) - 1))
    digests = {digest_of(picture) for picture in leaving}
    new = f"{name}-split-{work.truth.picture()}"
    work.truth.under_way(leaving, new)
    with work.truth.moving(leaving):
        ids = [each.template_id for each in templates if each.image_digest in digests]
        work.client.split_identity(GALLERY, identity_id, ids, new)
    work.truth.acknowledged(leaving, new)
