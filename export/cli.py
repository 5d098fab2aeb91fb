"""`gallery-export`: train, evaluate and export. Each command lives in a module of its own."""

import typer

from export import cli_ablate, cli_calibration, cli_evaluate, cli_onnx, cli_paper, cli_train, cli_trial
from gallery.errors import GalleryError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
cli_train.register(app)
cli_paper.register(app)
cli_ablate.register(app)
cli_evaluate.register(app)
cli_onnx.register(app)
cli_trial.register(app)
cli_calibration.register(app)


def main() -> None:
    """Run the command line; a refusal is one sentence and exit code 1."""
    try:
        app()
    except GalleryError as error:
        typer.echo(f"gallery-export: {error}", err=True)
        raise SystemExit(1) from None
