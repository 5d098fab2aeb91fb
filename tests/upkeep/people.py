"""People to enrol, and a clock that is set by hand."""

from datetime import UTC, datetime

from gallery.domain import Context, EncodedImage
from gallery.use_cases import GalleryUseCases
from tests.pictures import png_of

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def picture(seed: int, context: Context | None = None) -> EncodedImage:
    return EncodedImage(png_of(seed)) if context is None else EncodedImage(png_of(seed), context=context)


async def enroll_people(gallery: GalleryUseCases, people: int, images: int = 1, first: int = 0) -> None:
    for person in range(first, first + people):
        pictures = [picture(1000 * image + person) for image in range(images)]
        await gallery.enroll("lobby", f"person-{person:03}", pictures)
