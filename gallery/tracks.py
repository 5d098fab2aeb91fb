"""The images of one person on one camera judged together: tracks, in constant memory.

A track keeps no images: a sum of embeddings, weighted by quality, and since when its decision has been the same.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic

import numpy as np

from gallery.domain import Candidate, Embedded, Embedding, Identification, Outcome, Quality, Region, TrackDecision

TEMPER = 0.5
"""A track's similarities are multiplied by its images' agreement to this power."""
STABLE_AFTER = 3
"""How many images in a row must leave a track's decision as it is before it is called stable."""
MAX_TRACKS = 256
"""How many tracks a stream has at a time; one more ends the one that had no image for the longest."""
IDLE = 60.0
"""How many seconds a track without an image lives."""


def weight(quality: Quality) -> float:
    """Say how much an image counts among the others of its track: its sharpness times its contrast, at least 0.0001.

    On good pictures it changes nothing; where half of them are degraded, tracks are found more often than with equal
    weights (`gallery-export tracks`).
    """
    return max(quality.sharpness * quality.contrast, 1e-4)


class Track:
    """One person's images so far; fed in the order they were sent."""

    def __init__(self, track_id: str) -> None:
        self._track_id = track_id
        self._sum = np.zeros(1)  # of any length, once something is added
        self._weight = 0.0
        self._verdict: tuple[Outcome, str | None] | None = None
        self._since: datetime | None = None
        self._unchanged = 0
        self.image_count = 0
        self.region: Region | None = None
        self.quality: Quality | None = None

    def add(self, person: Embedded, judged: Quality) -> bool:
        """Take an image, unless its quality is rejected; say whether it counts."""
        if judged.reasons and self.image_count:
            return False
        self.region, self.quality = person.region, judged
        if judged.reasons:
            return False
        part = weight(judged)
        # float64, since a track may never end: beyond 2^24 images float32 would take no more
        self._sum = self._sum + part * person.embedding.astype(np.float64)
        self._weight += part
        self.image_count += 1
        return True

    @property
    def embedding(self) -> Embedding:
        """The fused embedding, of unit length: float32 [d]. There must have been an image that counts."""
        length = max(float(np.linalg.norm(self._sum)), np.finfo(np.float64).tiny)
        return (self._sum / length).astype(np.float32)

    def tempered(self, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Move candidates near the fused embedding as far away as a threshold for single images wants them.

        What images of a person have in common with everybody stays when they are averaged, so a fused embedding is
        nearer to strangers than a single one. Similarities are multiplied by the square root of the images' mean
        resultant length, |sum of w·x| / sum of w in [0, 1] (Mardia and Jupp, Directional Statistics, 2.3): with it a
        threshold keeps its FPIR, without it twice as many strangers' tracks match (`gallery-export tracks`). The order
        of candidates stays, and a single image's distances do.
        """
        agreement = min(1.0, float(np.linalg.norm(self._sum)) / self._weight)
        return tuple(replace(near, distance=1.0 - agreement**TEMPER * (1.0 - near.distance)) for near in candidates)

    def decided(self, identification: Identification, at: datetime, *, counted: bool) -> TrackDecision:
        """Tell the decision by all images until now, the last of which was taken ``at``, and since when it stands.

        It is stable when it stayed the same, outcome and identity, for `STABLE_AFTER` images that count.
        """
        verdict = (identification.outcome, identification.identity_id)
        if verdict != self._verdict:
            self._verdict, self._since, self._unchanged = verdict, at, 0
        self._unchanged += counted
        since = self._since if self._unchanged >= STABLE_AFTER else None
        return TrackDecision(self._track_id, identification, self.image_count, since)


class Tracks:
    """The tracks of one stream, at most `MAX_TRACKS`; those that nobody ends go when they are idle for `IDLE`."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """``clock`` gives seconds that only ever pass: nobody's track ends because the time of day is set."""
        self._clock = clock
        self._tracks: OrderedDict[str, tuple[Track, float]] = OrderedDict()  # used longest ago first

    def __len__(self) -> int:
        """Count those that are remembered."""
        return len(self._tracks)

    def used(self, track_id: str) -> Track:
        """Find the track of an image that comes now, or begin it."""
        now = self._forget_idle()
        track, _ = self._tracks.pop(track_id, (None, now))
        if track is None:
            track = Track(track_id)
            if len(self._tracks) == MAX_TRACKS:
                self._tracks.popitem(last=False)
        self._tracks[track_id] = (track, now)
        return track

    def ended(self, track_id: str) -> Track | None:
        """Forget a track, and return it; None when there is none."""
        now = self._forget_idle()
        track, _ = self._tracks.pop(track_id, (None, now))
        return track

    def _forget_idle(self) -> float:
        now = self._clock()
        while self._tracks:
            track_id, (_, last_used) = next(iter(self._tracks.items()))
            if now - last_used <= IDLE:
                break
            del self._tracks[track_id]
        return now
