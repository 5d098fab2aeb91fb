"""Results as JSON lines, one object a person; what the fields mean is said in `person_line`."""

import json
from collections.abc import Callable
from typing import Any

from gallery.cameras.frames import Frame
from gallery.cameras.results import Person, Result
from gallery.domain import Identification, TrackDecision


class Lines:
    """A `Sink` that writes each line at once, so that others can follow them."""

    def __init__(self, write: Callable[[str], None], camera_id: str | None) -> None:
        """Hand lines, without their ends, to ``write``."""
        self._write_line = write
        self._camera_id = camera_id

    def show(self, result: Result) -> None:
        """Write a line for each person, or why the frame has no answer."""
        for person in result.people or ():
            self._write(person_line(result.frame, person, self._camera_id))
        if result.error is not None:
            where = _place(result.frame, self._camera_id)
            self._write({"event": "refused", **where, "reason": result.error.reason, "message": str(result.error)})

    def ended(self, track: TrackDecision) -> None:
        """Write the last decision of a track."""
        self._write({"event": "track_ended", "camera_id": self._camera_id, **_track(track)})

    def close(self) -> None:
        """Leave it at that: nothing is held back."""

    def _write(self, line: dict[str, Any]) -> None:
        self._write_line(json.dumps(line, ensure_ascii=False, allow_nan=False))


def person_line(frame: Frame, person: Person, camera_id: str | None) -> dict[str, Any]:
    """Name what is said of one person of a frame.

    ``frame`` counts from 0, ``time`` is in seconds from the first frame, ``region`` is x, y, width, height in pixels,
    null for the whole picture. ``identity_id`` is null unless ``matched``; ``nearest`` and ``distance`` are the nearest
    identity's, null in an empty gallery. ``track`` is the decision by all pictures of the track so far, null without.
    """
    region = person.seen.region
    return {
        "event": "person",
        **_place(frame, camera_id),
        "region": None if region is None else [region.x, region.y, region.width, region.height],
        "track_id": person.seen.track_id or None,
        **_decision(person.identification),
        "quality": list(person.identification.quality.reasons),
        "track": None if person.track is None else _track(person.track),
    }


def _place(frame: Frame, camera_id: str | None) -> dict[str, Any]:
    return {
        "frame": frame.number,
        "time": round(frame.seconds, 3),
        "captured_at": frame.captured_at.isoformat(timespec="milliseconds"),
        "camera_id": camera_id,
    }


def _decision(found: Identification) -> dict[str, Any]:
    nearest = found.candidates[0] if found.candidates else None
    return {
        "matched": found.matched,
        "outcome": found.outcome.name,
        "identity_id": found.identity_id,
        "nearest": None if nearest is None else nearest.identity_id,
        "distance": None if nearest is None else round(nearest.distance, 6),
        "threshold": round(found.basis.threshold, 6),
    }


def _track(track: TrackDecision) -> dict[str, Any]:
    stable = track.stable_since
    return {
        "track_id": track.track_id,
        **_decision(track.identification),
        "image_count": track.image_count,
        "stable_since": None if stable is None else stable.isoformat(timespec="milliseconds"),
    }
