"""Where and when pictures were taken, said on the command line: of what is enrolled, and as a filter."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gallery.domain import Context, TemplateFilter

_PANEL = "Only templates"
_TIME = "ISO 8601, such as 2026-05-01T08:00+02:00; without an offset it is this machine's time."

Cameras = Annotated[
    list[str] | None,
    typer.Option(
        "--camera", metavar="ID", rich_help_panel=_PANEL, show_default=False, help="From this camera; may be repeated."
    ),
]
CapturedFrom = Annotated[
    str | None, typer.Option(metavar="TIME", rich_help_panel=_PANEL, help=f"Captured then or later: {_TIME}")
]
CapturedUntil = Annotated[
    str | None, typer.Option(metavar="TIME", rich_help_panel=_PANEL, help="Captured before then.")
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=VALUE",
        rich_help_panel=_PANEL,
        show_default=False,
        help="With this label; may be repeated, then with all of them.",
    ),
]

Camera = Annotated[str | None, typer.Option(metavar="ID", help="The camera that took the images.")]
CapturedAt = Annotated[str | None, typer.Option(metavar="TIME", help=f"When the images were taken: {_TIME}")]
OwnLabels = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=VALUE", show_default=False, help="A label of the images; may be repeated."),
]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def filter_of(
    cameras: Sequence[str] | None, captured_from: str | None, captured_until: str | None, labels: Sequence[str] | None
) -> "TemplateFilter":
    """Make a filter of what the options say."""
    from gallery.domain import TemplateFilter, checked_filter

    return checked_filter(
        TemplateFilter(
            camera_ids=tuple(cameras or ()),
            captured_from=None if captured_from is None else moment(captured_from, "--captured-from"),
            captured_until=None if captured_until is None else moment(captured_until, "--captured-until"),
            labels=tuple(sorted(_pairs(labels).items())),
        )
    )


def context_of(camera: str | None, captured_at: str | None, labels: Sequence[str] | None) -> "Context":
    """Make a picture's context of what the options say."""
    from gallery.domain import Context

    captured = None if captured_at is None else moment(captured_at, "--captured-at")
    return Context.of(camera, captured, _pairs(labels))


def moment(text: str, option: str) -> datetime:
    """Read a moment, aware; one without an offset is of this machine's time zone."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"'{text}' is no time of ISO 8601, such as 2026-05-01T08:00+02:00", param_hint=option
        ) from None


def duration(text: str, option: str) -> timedelta:
    """Read a duration: a number with s, m, h, d or w."""
    written = _DURATION.fullmatch(text.strip())
    try:
        if written is not None:
            return timedelta(**{_UNITS[written[2]]: float(written[1])})
    except OverflowError:
        pass
    raise typer.BadParameter(f"'{text}' is no duration, such as 90m, 12h or 3d", param_hint=option)


def duration_line(lifetime: timedelta) -> str:
    """Write a duration as `duration` reads it, in its largest whole unit."""
    for unit in reversed(_UNITS):
        size = timedelta(**{_UNITS[unit]: 1})
        if lifetime % size == timedelta(0):
            return f"{lifetime // size}{unit}"
    return f"{lifetime.total_seconds():g}s"


def _pairs(labels: Sequence[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for label in labels or ():
        name, equals, value = label.partition("=")
        if not equals or not name or not value:
            raise typer.BadParameter(f"'{label}' is not name=value", param_hint="--label")
        if pairs.setdefault(name, value) != value:
            raise typer.BadParameter(f"the label '{name}' has two values", param_hint="--label")
    return pairs
