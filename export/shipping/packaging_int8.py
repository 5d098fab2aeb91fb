"""Make the int8 version of a file that is shipped: calibrated on training people, measured on held-out ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.data.dataset import Dataset
from export.data.pixels import load_all
from export.data.splits import IdentitySplit
from export.errors import InvalidData
from export.evaluation.evaluate import Progress
from export.evaluation.models import Model
from export.shipping.enclosures import enclose
from export.shipping.mixed_precision import Pictures, quantize
from export.shipping.packaging import Naming, embed_in_chunks, measured_card, write
from export.shipping.provenance import checked_split, content_digest
from export.shipping.quantize import WeightBits
from export.shipping.to_onnx import embed_with
from gallery.errors import InvalidModel
from gallery.model_card import ModelCard

PROBES = 48

NOTES: dict[WeightBits, str] = {
    8: (
        "int8 with 8-bit weights: CPUs with and without VNNI give different embeddings of one picture, and the golden "
        "check refuses the model on the other kind; use 7-bit weights or fp32 where both kinds run."
    ),
    7: "int8 with 7-bit weights: CPUs with and without VNNI give the same embeddings.",
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """How many pictures of training people set the ranges, the seed that chooses them, and the weights' bits.

    ``cosine`` is the mean cosine to fp32 that is kept, on other pictures of theirs, by leaving what it takes in float.
    """

    pictures: int = 256
    seed: int = 0
    weight_bits: WeightBits = 8
    cosine: float = 0.99


def package_int8(
    fp32: Path, dataset: Dataset, split: IdentitySplit, out: Path, calibration: Calibration, tell: Progress
) -> ModelCard:
    """Write ``out``, the int8 version of the carded model ``fp32``; return its card.

    Raises InvalidModel when ``fp32`` is not an fp32 model with a card, InvalidData when the split is not the one it
    was trained by: people who measure must not calibrate.
    """
    card = ModelCard.read(fp32)
    if card.precision != "fp32":
        raise InvalidModel(f"{fp32} is {card.precision} already", expected="an fp32 model")
    people = checked_split(dataset, split)
    trained_by = card.provenance.get("split", {}).get("held_out")
    if trained_by is not None and set(trained_by) != set(people.held_out):
        raise InvalidData(
            f"{fp32} was trained by another split than this one",
            expected="the split.json of the model's own run",
            remedy="take it from the run's folder: people who measure must not calibrate",
        )
    train = dataset.of(people.train)
    order = np.random.default_rng(calibration.seed).permutation(len(train))
    chosen = [train[row] for row in sorted(order[: calibration.pictures])]
    probes = [train[row] for row in order[::-1][:PROBES]]  # others, where there are enough
    pictures = Pictures(*(load_all(samples, card.height, card.width) for samples in (chosen, probes)))
    quantized = quantize(fp32.read_bytes(), pictures, calibration.weight_bits, calibration.cosine, tell)
    naming = Naming(card.name, card.version, card.training_data, card.training_data_terms)
    network = Model(naming.name, card.height, card.width, embed_in_chunks(embed_with(quantized.model)))
    measured, embedded = measured_card(quantized.model, naming, network, dataset.of(people.held_out), tell)
    enclosures = enclose(network, measured.digest, embedded, train, tell)
    facts: dict[str, Any] = {
        **card.provenance,
        "quantized_from": card.digest,
        "calibration": {"pictures": len(chosen), "seed": calibration.seed, "sha256": content_digest(chosen)},
        "weight_bits": calibration.weight_bits,
        "left_in_float": list(quantized.left_in_float),
        "sensitivities": quantized.sensitivities,
        "cosine_to_fp32": {"mean": round(quantized.cosine, 5), "pictures": len(probes), "of": "training people"},
        "golden_cosine_to_fp32": _golden_cosine(card, measured),
    }
    note = f"{measured.threshold_note} {NOTES[calibration.weight_bits]}"
    update = {"precision": "int8", "provenance": facts, "threshold_note": note}
    return write(quantized.model, measured.model_copy(update=update), enclosures, out)


def _golden_cosine(fp32: ModelCard, int8: ModelCard) -> float:
    pairs = zip(fp32.golden, int8.golden, strict=True)
    return round(min(float(np.dot(one.embedding, other.embedding)) for one, other in pairs), 5)
