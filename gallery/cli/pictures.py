"""Pictures named on the command line: files with regions, and folders with a folder for each person."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gallery.errors import InvalidRequest

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
    """List the pictures of a folder of people: ``folder/<identity>/**/<picture>``, sorted, without hidden ones.

    Links are followed, but not back to a folder that they lie in. No more than the names of the people, and of the
    files of one of them, are held. Raises InvalidRequest where a folder cannot be read.
    """
    for name in sorted(entry.name for entry in _entries(folder) if entry.is_dir() and not _is_hidden(entry)):
        for path in sorted(_files_below(folder / name, frozenset())):
            if path.suffix.lower() in SUFFIXES:
                yield Portrait(name, path)


def _files_below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:
        return
    for entry in _entries(folder):
        if _is_hidden(entry):
            continue
        if entry.is_dir():
            yield from _files_below(entry, above | {real})
        elif entry.is_file():
            yield entry


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError as error:
        raise InvalidRequest(
            f"the folder {folder} cannot be read: {error.strerror}",
            expected="a folder of people with a folder of pictures for each",
            remedy="make it readable, or take it out of the folder of people",
        ) from error


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")
