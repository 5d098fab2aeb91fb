"""How a server logs: lines for people, or one JSON object a line; in both the id of the call they belong to."""

import logging

from pythonjsonlogger.json import JsonFormatter

from gallery.settings import LogFormat, LogLevel
from gallery.telemetry import request_ids

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s"
_FIELDS = "%(levelname)s %(name)s %(message)s"


def log_as(form: LogFormat, level: LogLevel) -> None:
    """Log to standard error from now on: the gallery's lines from ``level`` up, other libraries' warnings."""
    handler = logging.StreamHandler()
    handler.addFilter(_name_the_call)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("gallery").setLevel(level.upper())


def formatter(form: LogFormat) -> logging.Formatter:
    """Make the formatter; a JSON line has time, level, logger, message, request_id and what the call said beside."""
    if form == "text":
        return logging.Formatter(_TEXT, defaults={"request": ""})
    return JsonFormatter(
        _FIELDS,
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
        reserved_attrs=[*_RESERVED, "request"],
    )


def _name_the_call(record: logging.LogRecord) -> bool:
    request_id = request_ids.current()
    record.request = f" [{request_id}]" if request_id else ""
    if request_id:
        record.request_id = request_id
    return True


_RESERVED = tuple(logging.makeLogRecord({}).__dict__)
