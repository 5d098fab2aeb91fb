"""The people of a recording as somebody else found them: a file of JSON lines beside it.

A line a frame that shows somebody, in any order:

    {"frame": 12, "people": [{"box": [410, 80, 64, 180], "track_id": "7"}, {"box": [30, 95, 60, 170]}]}
    {"time": 0.52, "people": [{"box": [412, 80, 64, 180]}]}

``frame`` counts from 0; ``time`` is in seconds from the first frame, at the source's rate. ``box`` is x, y, width and
height in pixels of the upright frame; ``track_id`` is optional. Frames without a line show nobody.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gallery.cameras.frames import Frame
from gallery.cameras.people import Look, Seen
from gallery.domain import Region
from gallery.errors import InvalidRegion, InvalidSource

_EXPECTED = 'a line such as {"frame": 12, "people": [{"box": [410, 80, 64, 180], "track_id": "7"}]}'

_Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]


class _PersonLine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    box: tuple[_Number, _Number, _Number, _Number]
    track_id: str = Field(default="", max_length=256)


class _FrameLine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    frame: int | None = Field(default=None, ge=0)
    time: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    people: list[_PersonLine]

    @model_validator(mode="after")
    def _one_of_both(self) -> "_FrameLine":
        if (self.frame is None) == (self.time is None):
            raise ValueError("it names either a frame or a time")
        return self


class Sidecar:
    """A `Finder` that reads what it finds; a track ends with the last frame that has it."""

    def __init__(self, path: Path, rate: float) -> None:
        """Read the whole file, for a source of ``rate`` frames a second; raises InvalidSource, which names the line."""
        self._people: dict[int, tuple[Seen, ...]] = {}
        for number, people, where in _read(path, rate):
            self._people[number] = self._people.get(number, ()) + people
            named = [seen.track_id for seen in self._people[number] if seen.track_id]
            if len(set(named)) < len(named):
                raise InvalidSource(f"{where} has one track twice", expected="nobody twice in one frame")
        self._last: dict[str, int] = {}
        for number in sorted(self._people):
            for seen in self._people[number]:
                self._last[seen.track_id] = number
        self._last.pop("", None)
        self._open: set[str] = set()

    def look(self, frame: Frame) -> Look:
        """Say who is in a frame; tracks whose last frame this is, or was, end."""
        people = self._people.get(frame.number, ())
        self._open |= {seen.track_id for seen in people if seen.track_id}
        ended = tuple(sorted(name for name in self._open if self._last[name] <= frame.number))
        self._open.difference_update(ended)
        return Look(people, ended)

    def finish(self) -> tuple[str, ...]:
        """End the tracks whose last frame was not asked about."""
        ended = tuple(sorted(self._open))
        self._open.clear()
        return ended


def _read(path: Path, rate: float) -> Iterator[tuple[int, tuple[Seen, ...], str]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for row, line in enumerate(lines, start=1):
                if line.strip():
                    where = f"line {row} of {path}"
                    yield *_parsed(line, where, rate), where
    except OSError as error:
        raise InvalidSource(f"the sidecar {path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InvalidSource(f"the sidecar {path} is no text in UTF-8", expected=_EXPECTED) from error


def _parsed(line: str, where: str, rate: float) -> tuple[int, tuple[Seen, ...]]:
    try:
        written = _FrameLine.model_validate(json.loads(line))
        people = tuple(Seen(_region(person.box), person.track_id) for person in written.people)
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidSource(f"{where}: {place + ': ' if place else ''}{first['msg']}", expected=_EXPECTED) from error
    except (InvalidRegion, ValueError) as error:
        raise InvalidSource(f"{where}: {error}", expected=_EXPECTED) from error
    return round((written.time or 0.0) * rate) if written.frame is None else written.frame, people


def _region(box: tuple[float, float, float, float]) -> Region:
    """Round a box to pixels, without what lies left of or above the frame."""
    left, top, right, bottom = (round(edge) for edge in (box[0], box[1], box[0] + box[2], box[1] + box[3]))
    if box[2] <= 0 or box[3] <= 0 or right <= 0 or bottom <= 0:
        raise ValueError(f"the box {list(box)} is empty or outside the frame")
    left, top = max(0, left), max(0, top)
    return Region(left, top, right - left, bottom - top)
