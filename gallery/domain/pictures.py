"""What a camera shows: pixels, boxes in them, and the vector a network makes of one person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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
class Context:
    """Where and when a picture was taken, as far as the caller says; ``labels`` are sorted pairs of strings."""

    camera_id: str | None = None
    captured_at: datetime | None = None
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls, camera_id: str | None = None, captured_at: datetime | None = None, labels: Mapping[str, str] | None = None
    ) -> "Context":
        """Make a context from a mapping of labels."""
        return cls(camera_id, captured_at, tuple(sorted((labels or {}).items())))


NO_CONTEXT = Context()


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture as it was sent (JPEG, PNG, …) and the people in it; no regions means the whole picture."""

    content: bytes
    regions: tuple[Region, ...] = ()
    context: Context = NO_CONTEXT
