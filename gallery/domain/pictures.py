"""What a camera shows: pixels, boxes in them, and the vector a network makes of one person."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gallery.errors import InvalidRegion

Embedding: TypeAlias = NDArray[np.float32]
Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Region:
    """A pixel box in an upright picture: ``x`` to the right, ``y`` down, from the top left corner."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse an empty or negative box with InvalidRegion."""
        if self.x < 0 or self.y < 0 or self.width <= 0 or self.height <= 0:
            raise InvalidRegion(
                f"the region {self} is empty or begins outside the picture",
                expected="x >= 0, y >= 0, width > 0 and height > 0, in pixels",
            )

    def __str__(self) -> str:
        """Write the box as a person would: width×height+x+y."""
        return f"{self.width}x{self.height}+{self.x}+{self.y}"


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture as it was sent (JPEG, PNG, …) and the people in it; no regions means the whole picture."""

    content: bytes
    regions: tuple[Region, ...] = ()
