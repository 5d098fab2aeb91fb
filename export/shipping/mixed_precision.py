"""What of an int8 model stays in float, so that its embeddings stay near enough to fp32's.

Each convolution, and the residual additions together, are made int8 alone first: how far that turns the embeddings is
the sensitivity. The turns nearly add up, so the most sensitive are left in float until the sum of the others promises
the wanted cosine, and then one more at a time until the file really keeps it.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.errors import InvalidData
from export.evaluation.evaluate import Progress
from export.shipping.packaging import embed_in_chunks
from export.shipping.quantize import Quantizer, WeightBits
from export.shipping.to_onnx import embed_with
from gallery.domain import Pixels


@dataclass(frozen=True)
class Quantized:
    """The int8 model's bytes without a card, the operations left in float, and the mean cosine to fp32 it reached.

    ``sensitivities`` is how far each unit, named after its first operation, alone turns the embeddings (mean cosine
    distance), the most sensitive first; empty when nothing had to be searched for.
    """

    model: bytes
    left_in_float: tuple[str, ...]
    cosine: float
    sensitivities: dict[str, float]


@dataclass(frozen=True)
class Pictures:
    """Pictures of people who trained, uint8 RGB [n, height, width, 3]: ``ranges`` calibrate, ``probes`` judge."""

    ranges: Pixels
    probes: Pixels


def quantize(
    fp32: bytes, pictures: Pictures, weight_bits: WeightBits, least_cosine: float, tell: Progress
) -> Quantized:
    """Quantise as much as leaves the probes' mean cosine to fp32 at ``least_cosine`` or above.

    ``tell`` hears how many pictures were embedded. Raises InvalidData when nothing could be int8 at that cosine.
    """
    with tempfile.TemporaryDirectory() as folder:
        quantizer = Quantizer(fp32, pictures.ranges, weight_bits, Path(folder))
        expected = embed_in_chunks(embed_with(fp32))(pictures.probes)

        def cosine(model: bytes) -> float:
            tell(len(pictures.probes))
            return float(np.mean(np.sum(expected * embed_in_chunks(embed_with(model))(pictures.probes), axis=1)))

        model = quantizer.without([])
        reached = cosine(model)
        if reached >= least_cosine:
            return Quantized(model, (), reached, {})
        turns = {unit: 1 - cosine(quantizer.only(unit)) for unit in quantizer.units}
        ranked = sorted(turns, key=lambda unit: -turns[unit])
        for count in range(_promised([turns[unit] for unit in ranked], 1 - least_cosine), len(ranked)):
            model = quantizer.without(ranked[:count])
            reached = cosine(model)
            if reached >= least_cosine:
                left = tuple(name for unit in ranked[:count] for name in unit.operations)
                found = {unit.operations[0]: round(turns[unit], 6) for unit in ranked}
                return Quantized(model, left, reached, found)
    raise InvalidData(
        f"nothing can be int8 with a mean cosine of {least_cosine:g} to fp32",
        expected="a lower cosine, or the fp32 model",
    )


def _promised(ranked: list[float], allowed: float) -> int:
    """Count how many of the turns, the largest first, must go for the sum of the others to be at most ``allowed``."""
    return next(count for count in range(1, len(ranked) + 1) if sum(ranked[count:]) <= allowed)
