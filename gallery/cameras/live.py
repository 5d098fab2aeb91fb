"""A camera: frames at its own pace, opened again with backoff when it is lost."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import cv2
import numpy as np
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    sleep_using_event,
    stop_after_delay,
    stop_any,
    stop_never,
    stop_when_event_set,
    wait_random_exponential,
)

from gallery.cameras.frames import Frame, Sampling
from gallery.cameras.recordings import rate_of
from gallery.errors import SourceUnavailable

_LONGEST_PAUSE = 15.0


class Camera:
    """A source that goes on whether its frames are taken or not.

    It never ends by itself: lost, it is opened again, with backoff, for up to ``retry_for`` seconds (None: for ever),
    and ``tell`` is told of it.
    """

    live = True
    total: int | None = None

    def __init__(
        self,
        opened: Callable[[], cv2.VideoCapture | None],
        name: str,
        sampling: Sampling,
        retry_for: float | None,
        tell: Callable[[str], None],
    ) -> None:
        """Open the camera by ``opened``, which gives None where there is none; raises SourceUnavailable."""
        self._opened = opened
        self._name = name
        self._sampling = sampling
        self._retry_for = retry_for
        self._tell = tell
        self._stopped = threading.Event()
        self._number = 0
        self.unreadable = 0
        capture = opened()
        if capture is None:
            raise SourceUnavailable(
                f"{name} cannot be opened",
                expected="a camera that answers, at the right address and with the right password",
            )
        self._capture = capture
        self.rate = rate_of(capture, None)
        self._begun = time.monotonic()

    def read(self) -> Frame | None:
        """Wait for the camera's next frame; None when stopped; raises SourceUnavailable when it stays away."""
        while not self._stopped.is_set():
            if not self._capture.grab() and not self._found_again():
                return None
            number, now = self._number, datetime.now(UTC)
            self._number += 1
            if not self._sampling.wants(number):
                continue
            decoded, pixels = self._capture.retrieve()
            if not decoded:
                self.unreadable += 1
                continue
            seconds = time.monotonic() - self._begun
            return Frame(number, seconds, now, np.asarray(pixels, np.uint8), self._sampling.asks(number))
        return None

    def stop(self) -> None:
        """End after the frame that is being waited for."""
        self._stopped.set()

    def close(self) -> None:
        """Close the camera."""
        self._capture.release()

    def _found_again(self) -> bool:
        """Open the camera until it gives a frame, which is then grabbed; False when stopped meanwhile."""
        lost = time.monotonic()
        in_vain = stop_never if self._retry_for is None else stop_after_delay(self._retry_for)
        self._tell(f"{self._name} is lost; opening it again")
        attempts = Retrying(
            retry=retry_if_result(lambda found: not found),
            stop=stop_any(stop_when_event_set(self._stopped), in_vain),
            wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_PAUSE),
            sleep=sleep_using_event(self._stopped),
            retry_error_callback=_not_found,
        )
        if bool(attempts(self._reopened)):
            self._tell(f"{self._name} is there again, after {time.monotonic() - lost:.1f} s")
            return True
        if self._stopped.is_set():
            return False
        raise SourceUnavailable(f"{self._name} was lost and did not come back within {self._retry_for:g} s")

    def _reopened(self) -> bool:
        self._capture.release()
        capture = self._opened()
        if capture is None:
            return False
        self._capture = capture
        return capture.grab()


def _not_found(_: RetryCallState) -> bool:
    return False
