"""Which box is the same person as one of the frame before: by overlap alone.

Greedy matching by intersection over union, as in Bochinski, Eiselein and Sikora, "High-Speed tracking-by-detection
without using image information" (AVSS 2017). It is simple: people who cross may swap their tracks, fast ones or
sparse frames break them. A tracker of your own goes into the sidecar's track ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gallery.domain import Region

LEAST_OVERLAP = 0.3
PATIENCE = 5


@dataclass(slots=True)
class _Tracked:
    region: Region
    missed: int = 0


class IouTracker:
    """Gives the boxes of successive frames track ids, "t1", "t2" and so on."""

    def __init__(self, *, least_overlap: float = LEAST_OVERLAP, patience: int = PATIENCE) -> None:
        """Follow a box to one that overlaps it by ``least_overlap`` in (0, 1]; end it after more misses than that."""
        self._least_overlap = least_overlap
        self._patience = patience
        self._tracks: dict[str, _Tracked] = {}
        self._begun = 0

    def update(self, regions: Sequence[Region]) -> tuple[list[str], list[str]]:
        """Take the boxes of the next frame; return each one's track id, in order, and the ids of tracks that ended."""
        pairs = sorted(
            (
                (overlap(track.region, region), name, index)
                for name, track in self._tracks.items()
                for index, region in enumerate(regions)
            ),
            key=lambda pair: -pair[0],
        )
        names: dict[int, str] = {}
        for shared, name, index in pairs:
            if shared >= self._least_overlap and index not in names and name not in names.values():
                names[index] = name
        for track in self._tracks.values():
            track.missed += 1
        for index, region in enumerate(regions):
            if index not in names:
                self._begun += 1
                names[index] = f"t{self._begun}"
            self._tracks[names[index]] = _Tracked(region)
        return [names[index] for index in range(len(regions))], self._ended(self._patience)

    def finish(self) -> list[str]:
        """End all tracks; returns their ids."""
        return self._ended(-1)

    def _ended(self, patience: int) -> list[str]:
        ended = [name for name, track in self._tracks.items() if track.missed > patience]
        for name in ended:
            del self._tracks[name]
        return ended


def overlap(one: Region, other: Region) -> float:
    """Return the intersection over union of two boxes, in [0, 1]."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.width * one.height + other.width * other.height - shared)
