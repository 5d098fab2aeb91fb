"""The worst mistakes of a model as rank lists: who was asked for, who came instead, and where the right one was."""

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from export.data.dataset import Sample
from export.data.pixels import load
from export.evaluation.evaluate import Evaluation
from export.metrics.retrieval import ranked_gallery

SHOWN = 8
_THUMBNAIL = (128, 64)


@dataclass(frozen=True, slots=True)
class Ranked:
    """One picture of a rank list; ``right`` when it is the person asked for."""

    sample: Sample
    distance: float
    right: bool


@dataclass(frozen=True, slots=True)
class Mistake:
    """A query whose nearest picture is another person. ``right_rank`` counts from 1."""

    query: Sample
    ranked: tuple[Ranked, ...]
    right_rank: int
    excess: float


def worst_mistakes(evaluation: Evaluation, count: int) -> list[Mistake]:
    """Return the queries answered wrongly by the largest distance between the right and the wrong person's nearest."""
    found = []
    retrieval, data = evaluation.retrieval, evaluation.data
    for query, first in zip(retrieval.queries, retrieval.first_rank, strict=True):
        if first == 0:
            continue
        ranking = ranked_gallery(data.embeddings, data.labels, int(query), int(first) + 1)
        found.append((ranking[-1][1] - ranking[0][1], int(query), int(first)))
    found.sort(key=lambda mistake: (-mistake[0], mistake[1]))
    return [_mistake(evaluation, query, first, excess) for excess, query, first in found[:count]]


def thumbnail(sample: Sample) -> str:
    """Return a small JPEG of the person as a data URL."""
    picture = load(sample, *_THUMBNAIL)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")


def _mistake(evaluation: Evaluation, query: int, first: int, excess: float) -> Mistake:
    data = evaluation.data
    person = data.labels.identities[query]
    ranking = ranked_gallery(data.embeddings, data.labels, query, max(SHOWN, first + 1))
    shown = ranking[:SHOWN] if first < SHOWN else [*ranking[: SHOWN - 1], ranking[first]]
    ranked = [Ranked(data.samples[row], far, bool(np.equal(data.labels.identities[row], person))) for row, far in shown]
    return Mistake(data.samples[query], tuple(ranked), first + 1, excess)
