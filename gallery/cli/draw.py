"""`gallery draw`: people who do not exist, to try everything with."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """Examples:

gallery draw people --people 12 --views 4

gallery enrol people"""


def draw(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; made when it is missing.")],
    people: Annotated[int, typer.Option(min=1, max=10_000, help="How many people.")] = 8,
    views: Annotated[int, typer.Option(min=1, max=1_000, help="How many images of each.")] = 4,
    first: Annotated[int, typer.Option(min=0, help="Number of the first person; each number is somebody else.")] = 0,
) -> None:
    """Draw people as a camera sees them, a folder for each; no real person's picture is needed to try things."""
    from gallery.drawn_people import write_folder

    try:
        paths = write_folder(folder, range(first, first + people), range(views))
    except OSError as error:
        raise typer.BadParameter(f"'{folder}' cannot be written ({error.strerror})", param_hint="FOLDER") from error
    typer.echo(f"drew {len(paths)} images of {people} people into {folder}")
