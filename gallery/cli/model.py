"""`gallery model info` and `check`: what an ONNX file says of itself, and whether it is true."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gallery.cli.common import AsJson
from gallery.cli.output import print_json, print_table

app = typer.Typer(help="Look at an ONNX model and prove it.", no_args_is_help=True)

ModelFile = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", show_default="the bundled model", help="An ONNX file with a card.")
]


@app.command()
def info(file: ModelFile = None, json: AsJson = False) -> None:
    """Print a model's card, and its usual strangeness: 1 in 100 pictures of people outside training is stranger."""
    from gallery.bundled.directions import Directions
    from gallery.model_card import ModelCard

    path = _chosen(file)
    card = ModelCard.read(path).model_dump(mode="json", exclude={"golden"})
    directions = Directions.of(path.read_bytes(), str(path))
    card["usual_strangeness"] = None if directions is None else round(directions.usual, 4)
    if json:
        print_json(card)
    else:
        print_table(("of the model", ""), list(_lines(card)))


@app.command()
def check(file: ModelFile = None, json: AsJson = False) -> None:
    """Embed the card's golden pictures again and compare; refused (exit code 3) when the model cannot be trusted."""
    from gallery.onnx_embedder import OnnxEmbedder

    path = _chosen(file)
    embedder = OnnxEmbedder(path)
    worst, golden = embedder.check_golden(), len(embedder.card.golden)
    if json:
        print_json({"file": path, "digest": embedder.card.digest, "golden": golden, "largest_distance": worst})
    else:
        typer.echo(f"{path}: {golden} golden pictures give the embeddings of the card, at most {worst:.2g} away")


def _chosen(file: Path | None) -> Path:
    from gallery.settings import BUNDLED_MODEL

    return BUNDLED_MODEL if file is None else file


def _lines(card: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    lines = []
    for name, value in card.items():
        if isinstance(value, dict) and {"value", "low", "high"} <= set(value):
            counted = f" ({value['n']} {value.get('unit', '')})" if "n" in value else ""
            lines.append((prefix + name, f"{value['value']}, from {value['low']} to {value['high']}{counted}"))
        elif isinstance(value, dict):
            lines += _lines(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            lines.append((prefix + name, " ".join(map(str, value))))
        elif value not in ("", None):
            lines.append((prefix + name, str(value)))
    return lines
