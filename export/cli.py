"""`gallery-export`: train, evaluate and export. Each command lives in a module of its own."""

import typer

from export import cli_train

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
cli_train.register(app)


def main() -> None:
    """Run the command line."""
    app()
