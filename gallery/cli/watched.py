"""What `gallery watch` tells people: who comes, who they turn out to be, and who leaves."""

from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from gallery.annotation import lines_of
from gallery.domain import Region

if TYPE_CHECKING:
    from gallery.cameras import Person, Result
    from gallery.domain import Identification, TrackDecision


class Told:
    """A `Sink` for standard output: a line for each person, of a track only when its decision changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, ...]] = {}

    def show(self, result: "Result") -> None:
        """Write what is new in a frame."""
        when = f"{timedelta(seconds=int(result.frame.seconds))} frame {result.frame.number}"
        if result.error is not None:
            typer.echo(f"{when}  refused: {result.error} [{result.error.reason}]")
        for person in result.people or ():
            if self._is_new(person):
                track = f"  {person.seen.track_id}" if person.seen.track_id else ""
                typer.echo(f"{when}{track}  {_line(person.decision)}")

    def ended(self, track: "TrackDecision") -> None:
        """Write who a person was, now that they are gone."""
        self._known.pop(track.track_id, None)
        typer.echo(f"{track.track_id} is gone  {_line(track.identification)}, {track.image_count} images")

    def close(self) -> None:
        """Leave it at that."""

    def _is_new(self, person: "Person") -> bool:
        if person.track is None:
            return True
        found = person.decision
        decision = (found.outcome, found.identity_id)
        before, self._known[person.track.track_id] = self._known.get(person.track.track_id), decision
        return before != decision


def _line(found: "Identification") -> str:
    size = Region(0, 0, found.quality.width, found.quality.height) if found.region is None else found.region
    return "  ".join(lines_of(found, size))
