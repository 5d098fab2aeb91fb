"""Pictures named on the command line: files with regions, and folders with a folder for each person."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from gallery.domain import EncodedImage

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

_REGION = re.compile(r"\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*")


@dataclass(frozen=True, slots=True)
class Portrait:
    """A file that shows one person."""

    identity_id: str
    path: Path


def read_picture(path: Path, regions: Sequence[str] = ()) -> "EncodedImage":
    """Read a picture and its regions, each written as x,y,width,height; raises InvalidImage, InvalidRegion."""
    from gallery.client.pictures import image
    from gallery.domain import Region

    boxes = []
    for region in regions:
        written = _REGION.fullmatch(region)
        if written is None:
            raise typer.BadParameter(f"'{region}' is not x,y,width,height in pixels", param_hint="--region")
        boxes.append(Region(*map(int, written.groups())))
    return image(path, boxes)


def portraits_in(folder: Path) -> Iterator[Portrait]:
    """List the pictures of a folder of people: ``folder/<identity>/**/<picture>``, sorted, without hidden files.

    No more than the names of the people, and of the files of one of them, are held.
    """
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    for name in names:
        for path in sorted((folder / name).rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith("."):
                yield Portrait(name, path)
