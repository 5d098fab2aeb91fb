"""What libraries in C print to standard error, as lines of the log.

libjpeg and libpng print a line for each damaged picture, which no log level governs and any client can cause. So
while a server runs, descriptor 2 is a pipe, and a thread makes a log record of each line that comes out of it. The log
itself, tracebacks and faulthandler go where standard error was before.
"""

import faulthandler
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_OF_A_PICTURE = re.compile(
    r"libpng (error|warning): |Corrupt JPEG data: |Premature end of JPEG file|Invalid SOS parameters"
    r"|Inconsistent progression sequence|Unknown Adobe color transform|Warning: unknown JFIF revision"
)
_LONGEST_LINE = 4096
_STANDARD_ERROR = 2

_log = logging.getLogger(__name__)


@contextmanager
def native_lines_logged() -> Iterator[None]:
    """Log what is printed past Python: of damaged pictures at DEBUG, for their callers are told; the rest as warnings.

    To be entered before logging is set up. What a thread prints that ends the process in the same moment can be lost;
    faulthandler's traceback is not.
    """
    outlet = os.dup(_STANDARD_ERROR)  # stays open: the log's handler keeps it
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # whoever prints waits for nobody; what has no room is dropped
    os.dup2(writing, _STANDARD_ERROR)
    os.close(writing)
    reader = threading.Thread(target=_log_lines, args=(reading,), name="native lines", daemon=True)
    reader.start()
    before = sys.stderr
    sys.stderr = open(outlet, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    faulthandler.enable(sys.stderr)
    try:
        yield
    finally:
        sys.stderr = before
        os.dup2(outlet, _STANDARD_ERROR)
        reader.join(timeout=1.0)  # a child of ours may still hold the pipe


def _log_lines(pipe: int) -> None:
    with open(pipe, encoding="utf-8", errors="backslashreplace") as lines:
        for line in iter(lambda: lines.readline(_LONGEST_LINE), ""):
            level = logging.DEBUG if _OF_A_PICTURE.match(line) else logging.WARNING
            _log.log(level, "%s", line.rstrip("\n"))
