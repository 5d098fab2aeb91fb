"""`gallery-export`: train, evaluate and export. Each command lives in a module of its own."""

import typer

from export.cli import (
    ablate,
    calibration,
    evaluate,
    onnx,
    paper,
    quality,
    tracks,
    train,
    trial,
)
from gallery.errors import GalleryError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
train.register(app)
paper.register(app)
ablate.register(app)
evaluate.register(app)
onnx.register(app)
trial.register(app)
calibration.register(app)
quality.register(app)
tracks.register(app)


def main() -> None:
    """Run the command line; a refusal is one sentence and exit code 1."""
    try:
        app()
    except GalleryError as error:
        typer.echo(f"gallery-export: {error}", err=True)
        raise SystemExit(1) from None
    except OSError as error:
        if error.filename is None:
            raise
        typer.echo(f"gallery-export: {error.filename} cannot be used: {error.strerror}", err=True)
        raise SystemExit(1) from None
