"""Ctrl-C as a request: the first one finishes what is under way, the second ends the program as ever."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from gallery.cli.output import say


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` at the first SIGINT or SIGTERM, in the running event loop."""
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)

    def restore() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)

    def stop_once() -> None:
        restore()
        say("finishing what is under way; once more ends at once")
        stop()

    for number in numbers:
        with suppress(ValueError, RuntimeError):  # outside the main thread there are no signals
            loop.add_signal_handler(number, stop_once)
    try:
        yield
    finally:
        restore()
