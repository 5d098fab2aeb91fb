"""Make the file that is shipped: convert, prove, measure, write the card, and read it back as the service will."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.data.dataset import Dataset, Sample
from export.data.pixels import load_all
from export.data.splits import IdentitySplit
from export.evaluation.evaluate import MAIN_TEMPLATES, EmbeddedSet, Progress, embed_samples, evaluate, summary
from export.evaluation.models import Embed, Model, load_keras
from export.shipping.default_threshold import default_threshold
from export.shipping.enclosures import Enclosures, enclose
from export.shipping.mirror import mirrored
from export.shipping.provenance import checked_split, provenance
from export.shipping.to_onnx import (
    checked_parity,
    convert,
    embed_with,
    golden_pictures,
    golden_samples,
    input_size,
    with_card,
)
from export.training.checkpoint import replace
from gallery.model_card import ModelCard, digest_of
from gallery.onnx_embedder import OnnxEmbedder

PARITY_PICTURES = 12


@dataclass(frozen=True, slots=True)
class Naming:
    """What only people know of a model: its name and version, and what may be said of its data."""

    name: str
    version: str
    training_data: str
    terms: str


@dataclass(frozen=True)
class Source:
    """The trained model's file, the data, and the split that says who was kept out of training.

    ``mirrored`` ships a model that looks at each picture's mirror image too, from a little closer.
    """

    keras_file: Path
    dataset: Dataset
    split: IdentitySplit
    mirrored: bool = False


def package(source: Source, naming: Naming, out: Path, tell: Progress) -> ModelCard:
    """Write ``out``; return its card. Raises InvalidModel or InvalidData, and ``out`` is then as it was before.

    Figures and threshold are of the held-out people. ``tell`` hears how many of their pictures were embedded.
    """
    split = checked_split(source.dataset, source.split)
    model = load_keras(source.keras_file)
    if source.mirrored:
        model = mirrored(model)
    height, width = input_size(model)
    onnx_model = convert(model)
    drawn = golden_pictures(height, width)
    held_out = source.dataset.of(split.held_out)
    sampled = load_all(_spread(held_out, PARITY_PICTURES), height, width)
    parity = checked_parity(model, onnx_model, np.concatenate([drawn, sampled]))
    facts = provenance(source.keras_file, source.dataset, split)
    facts |= {"parity_with_keras": asdict(parity), "mirrored": source.mirrored}
    network = Model(naming.name, height, width, embed_in_chunks(embed_with(onnx_model)))
    card, measured = measured_card(onnx_model, naming, network, held_out, tell)
    enclosures = enclose(network, card.digest, measured, source.dataset.of(split.train), tell)
    return write(onnx_model, card.model_copy(update={"provenance": facts}), enclosures, out)


def measured_card(
    onnx_model: bytes, naming: Naming, network: Model, held_out: Sequence[Sample], tell: Progress
) -> tuple[ModelCard, EmbeddedSet]:
    """Make a card without provenance: golden samples, and figures and threshold on the held-out people, embedded."""
    measured = evaluate(naming.name, embed_samples(network, held_out, tell))
    data = measured.data
    threshold = default_threshold(data.embeddings, data.labels, measured.pairs)
    drawn = golden_pictures(network.height, network.width)
    card = ModelCard(
        name=naming.name,
        version=naming.version,
        digest=digest_of(onnx_model),
        height=network.height,
        width=network.width,
        dimension=data.embeddings.shape[1],
        threshold=threshold.value,
        threshold_note=threshold.note,
        training_data=naming.training_data,
        training_data_terms=naming.terms,
        figures={
            "on": f"{len(held_out)} images of {len(np.unique(data.labels.identities))} people outside training",
            "open_set": f"{measured.main.setting.gallery_size} enrolled with {MAIN_TEMPLATES} templates each",
            **{name: _rounded(asdict(estimate)) for name, estimate in summary(measured).items()},
        },
        golden=golden_samples(drawn, network.embed),
    )
    return card, data


def write(onnx_model: bytes, card: ModelCard, enclosures: Enclosures | None, out: Path) -> ModelCard:
    """Write the file with its card and enclosures, checked by the service's own loader before it takes its name."""

    def save(temporary: Path) -> None:
        carded = with_card(onnx_model, card)
        temporary.write_bytes(carded if enclosures is None else enclosures.put_into(carded))
        try:
            OnnxEmbedder(temporary)
        except BaseException:
            temporary.unlink()
            raise

    out.parent.mkdir(parents=True, exist_ok=True)
    replace(out, save)
    return card


def embed_in_chunks(embed: Embed, chunk: int = 16) -> Embed:
    """Feed ``embed`` no more than ``chunk`` pictures at once."""
    return lambda pixels: np.concatenate([embed(pixels[row : row + chunk]) for row in range(0, len(pixels), chunk)])


def _spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    return [samples[row] for row in np.unique(np.linspace(0, len(samples) - 1, count).astype(int))]


def _rounded(estimate: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in estimate.items()}
