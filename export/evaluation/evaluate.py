"""Measure a model on labelled pictures it never trained on: everything the report and the model card say.

A model embeds each picture once; all figures come from those embeddings.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from export.data.dataset import Problem, Sample
from export.data.pixels import load
from export.errors import InvalidData
from export.evaluation.models import Model
from export.metrics.intervals import Estimate
from export.metrics.open_set import DEFAULT_FUSION, OpenSet, Setting, default_gallery_size, open_set, sizes_up_to
from export.metrics.retrieval import Labels, Retrieval, retrieve
from export.metrics.verification import Pairs, all_pairs, equal_error_rate, largest_threshold, tar_at_far
from gallery.domain import Embedding, Fusion
from gallery.errors import InvalidRequest

FPIRS = (0.01, 0.05)
FARS = (0.0001, 0.001, 0.01)
TEMPLATES = (1, 2, 4, 8)
MAIN_TEMPLATES = 2
_PICTURES_AT_ONCE = 64

Progress = Callable[[int], None]


@dataclass(frozen=True)
class EmbeddedSet:
    """Pictures that could be read, their unit embeddings float32 [n, d] in the same order, and what was left out."""

    samples: tuple[Sample, ...]
    embeddings: Embedding
    labels: Labels
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Evaluation:
    """Everything measured of one model on one set. The open-set settings hold ``main`` among the others."""

    name: str
    data: EmbeddedSet
    retrieval: Retrieval
    pairs: Pairs
    by_gallery_size: tuple[OpenSet, ...]
    by_templates: tuple[OpenSet, ...]

    @property
    def main(self) -> OpenSet:
        """Return the setting that is quoted: half of the people enrolled with two templates each."""
        return next(one for one in self.by_templates if one.setting.templates == MAIN_TEMPLATES)


def embed_samples(model: Model, samples: Sequence[Sample], tell: Progress) -> EmbeddedSet:
    """Decode and embed ``samples``; what cannot be read is left out with the reason. ``tell`` hears of each batch."""
    kept: list[Sample] = []
    problems: list[Problem] = []
    rows: list[Embedding] = []
    for start in range(0, len(samples), _PICTURES_AT_ONCE):
        pixels = []
        batch = samples[start : start + _PICTURES_AT_ONCE]
        for sample in batch:
            try:
                pixels.append(load(sample, model.height, model.width))
                kept.append(sample)
            except (InvalidRequest, OSError) as error:
                problems.append(Problem(sample.path, str(error)))
        if pixels:
            rows.append(model.embed(np.stack(pixels)))
        tell(len(batch))
    if not rows:
        raise InvalidData("not one of the pictures can be read", expected="a folder of people's pictures")
    labels = Labels.of([sample.identity for sample in kept], [sample.camera for sample in kept])
    return EmbeddedSet(tuple(kept), np.concatenate(rows), labels, tuple(problems))


def evaluate(name: str, data: EmbeddedSet, *, seed: int = 0, fusion: Fusion = DEFAULT_FUSION) -> Evaluation:
    """Measure retrieval, verification and open-set identification; raises InvalidData when people are too few.

    ``fusion`` is how a person's templates decide in the open set, by default as in a new gallery of the service.
    """
    vectors, labels = data.embeddings, data.labels
    retrieval = retrieve(vectors, labels)
    if len(retrieval.queries) == 0:
        raise InvalidData(
            "nobody was seen by two cameras, so there is nothing to retrieve",
            expected="at least two pictures of a person (by two cameras where cameras are known)",
        )
    pairs = all_pairs(vectors, labels)
    largest = default_gallery_size(labels)
    main = Setting(largest, MAIN_TEMPLATES, seed=seed, fusion=fusion)
    sizes = [open_set(vectors, labels, replace(main, gallery_size=size)) for size in sizes_up_to(largest)]
    templates = [open_set(vectors, labels, replace(main, templates=count)) for count in TEMPLATES]
    return Evaluation(name, data, retrieval, pairs, tuple(sizes), tuple(templates))


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything measured as JSON-able values; every figure carries its 95% interval and n."""
    retrieval, pairs, data = evaluation.retrieval, evaluation.pairs, evaluation.data
    return {
        "model": evaluation.name,
        "data": {
            "people": len(np.unique(data.labels.identities)),
            "images": len(data.samples),
            "cameras": len({sample.camera for sample in data.samples if sample.camera is not None}),
            "left_out": len(data.problems),
        },
        "retrieval": {
            "protocol": "Market-1501: one query a person and camera, same-camera images of the person left out",
            **{f"rank_{rank}": asdict(retrieval.rank(rank)) for rank in (1, 5, 10)},
            "mAP": asdict(retrieval.mean_average_precision),
            "mINP": asdict(retrieval.mean_inverse_penalty),
            "queries_without_answer": retrieval.without_answer,
        },
        "verification": {
            "genuine_pairs": len(pairs.genuine),
            "impostor_pairs": len(pairs.impostor),
            "eer": asdict(equal_error_rate(pairs)),
            "tar_at_far": {
                f"{rate:g}": {**asdict(tar_at_far(pairs, rate)), "threshold": largest_threshold(pairs.impostor, rate)}
                for rate in FARS
            },
        },
        "open_set": {
            "quoted": _open_set_figures(evaluation.main),
            "by_gallery_size": [_open_set_figures(one) for one in evaluation.by_gallery_size],
            "by_templates": [_open_set_figures(one) for one in evaluation.by_templates],
        },
    }


def summary(evaluation: Evaluation) -> dict[str, Estimate]:
    """Return the handful of figures that tables compare."""
    return {
        "rank-1": evaluation.retrieval.rank(1),
        "mAP": evaluation.retrieval.mean_average_precision,
        "mINP": evaluation.retrieval.mean_inverse_penalty,
        "EER": equal_error_rate(evaluation.pairs),
        **{f"TAR at FAR {rate:.2%}": tar_at_far(evaluation.pairs, rate) for rate in FARS[1:]},
        **{f"TPIR at FPIR {rate:.0%}": evaluation.main.tpir(rate) for rate in FPIRS},
    }


def _open_set_figures(one: OpenSet) -> dict[str, Any]:
    return {
        **asdict(one.setting),
        "fpir": {
            f"{rate:g}": {
                "tpir": asdict(one.tpir(rate)),
                "realised_fpir": asdict(one.realised_fpir(rate)),
                "threshold": float(np.median(one.thresholds(rate))),
            }
            for rate in FPIRS
        },
    }
