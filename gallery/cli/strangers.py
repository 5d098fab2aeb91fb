"""A folder of strangers, embedded by the gallery's model: the cohort of a calibration."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gallery.cli.pictures import SUFFIXES, Portrait, portraits_in, read_picture
from gallery.errors import InvalidImage, InvalidRequest, ModelMismatch, NotEnoughEvidence

if TYPE_CHECKING:
    from gallery.cli.target import AnyGallery
    from gallery.domain import Cohort, Embedded

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A picture that cannot be read, and why."""

    path: Path
    message: str


def strangers_in(folder: Path) -> list[Portrait]:
    """List a folder's pictures: of each folder in it one person, and each loose file a person of its own."""
    if not folder.is_dir():
        raise typer.BadParameter(f"there is no folder '{folder}'", param_hint="--strangers")
    loose = [
        Portrait(path.name, path)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    portraits = [*portraits_in(folder), *loose]
    if not portraits:
        raise InvalidRequest(
            f"there are no pictures of strangers in {folder}",
            expected="JPEG, PNG, WebP or BMP files, or a folder for each person",
        )
    return portraits


async def embedded_strangers(
    gallery: "AnyGallery", portraits: Sequence[Portrait], done: Callable[[], None]
) -> "tuple[Cohort, list[LeftOut]]":
    """Embed each picture; those that cannot be read are left out and told.

    Raises ModelMismatch when the answers come from several models, NotEnoughEvidence when no picture is left.
    """
    embedded: dict[int, Embedded] = {}
    left_out: list[LeftOut] = []
    waiting = iter(enumerate(portraits))

    async def embed_some() -> None:
        for place, portrait in waiting:
            try:
                picture = await asyncio.to_thread(read_picture, portrait.path)
                (embedded[place],) = await gallery.embed(picture)
            except InvalidImage as error:
                left_out.append(LeftOut(portrait.path, str(error)))
            done()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(embed_some())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return _cohort([(portraits[place], embedded[place]) for place in sorted(embedded)]), left_out


def _cohort(pictures: "Sequence[tuple[Portrait, Embedded]]") -> "Cohort":
    import numpy as np

    from gallery.domain import Cohort

    digests = {each.model_digest for _, each in pictures}
    if not digests:
        raise NotEnoughEvidence("not one picture of the strangers can be read", expected="pictures of people")
    if len(digests) > 1:
        raise ModelMismatch(
            f"the strangers were embedded by {len(digests)} models, since the server's model changed meanwhile",
            expected="one model for all of them",
            remedy="calibrate again",
        )
    rows = np.stack([each.embedding for _, each in pictures])
    return Cohort(digests.pop(), rows, tuple(portrait.identity_id for portrait, _ in pictures))
