"""What a source gives: frames with their number and time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gallery.domain import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    ``number`` counts the source's frames from 0, those that were passed over too; ``seconds`` are since the first one.
    ``pixels`` are uint8 [height, width, 3] in OpenCV's order, BGR. ``asked`` says whether the gallery is asked who is
    in it; ``encoded`` is the picture as a file, where it came as one.
    """

    number: int
    seconds: float
    captured_at: datetime
    pixels: Pixels
    asked: bool
    encoded: bytes | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames a source gives: each ``every``-th, which is asked about, and those ``between`` if wanted."""

    every: int = 1
    between: bool = False

    def asks(self, number: int) -> bool:
        """Say whether the gallery is asked about a frame."""
        return number % self.every == 0

    def wants(self, number: int) -> bool:
        """Say whether a frame is given at all."""
        return self.between or self.asks(number)


EVERY_FRAME = Sampling()


class Source(Protocol):
    """Where frames come from. `read` blocks, and is called by one thread at a time; `stop` by any.

    ``rate`` is in frames a second, ``total`` how many frames there are, None where nobody knows; a ``live`` source goes
    on whether its frames are taken or not. ``unreadable`` counts the frames that were there and could not be decoded.
    """

    rate: float
    total: int | None
    live: bool
    unreadable: int

    def read(self) -> Frame | None:
        """Give the next frame, or None at the end; raises InvalidSource and SourceUnavailable."""
        ...

    def stop(self) -> None:
        """End the source after the frame that is being read."""
        ...

    def close(self) -> None:
        """Give back what the source holds."""
        ...
