"""What happens at each step beside the gradient: the learning rate by the clock or by steps, and the average."""

import math
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from export.network.recipe import Schedule
from export.training.checkpoint import Array
from export.training.progress import TellStep

# Fetching every weight to the host costs more than averaging it, so it is done this seldom.
_STEPS_A_MOVE = 10


class Pace(keras.callbacks.Callback):  # type: ignore[misc]
    """Linear warm-up, then (by choice) a cosine down to zero over the schedule's steps, or over its minutes.

    By the clock a training ends when it was said to, however busy the machine is; what it costs is that two
    runs are not equal step for step.
    """

    def __init__(self, schedule: Schedule, steps_an_epoch: int) -> None:
        """``steps_an_epoch`` is an estimate for the warm-up and for the total."""
        super().__init__()
        self._schedule = schedule
        self._warmup = max(1.0, schedule.warmup_epochs * steps_an_epoch)
        self._total = max(1, schedule.epochs * steps_an_epoch)
        self._step = 0
        self.tell: TellStep | None = None  # told after each step how far it is
        self._before = 0.0  # seconds of earlier processes
        self._began: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, those before an interruption included, the pause left out."""
        return self._before + (0.0 if self._began is None else time.monotonic() - self._began)

    def progress(self) -> float:
        """How much of the schedule is done, in [0, 1]."""
        if self._schedule.minutes is not None:
            return min(1.0, self.elapsed / (60 * self._schedule.minutes))
        return min(1.0, self._step / self._total)

    def remaining(self) -> float:
        """Estimate the seconds that are left, at the pace so far."""
        if self._schedule.minutes is not None:
            return max(0.0, 60 * self._schedule.minutes - self.elapsed)
        done = self.progress()
        return self.elapsed * (1 - done) / done if done else math.inf

    def learning_rate(self) -> float:
        """Return the rate of the next step."""
        warm = min(1.0, (self._step + 1) / self._warmup)
        left = 0.5 * (1 + math.cos(math.pi * self.progress())) if self._schedule.cosine else 1.0
        return self._schedule.learning_rate * warm * left

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"step": self._step, "elapsed": self.elapsed}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._step, self._before = int(state["step"]), float(state["elapsed"])

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the learning rate."""
        if self._began is None:
            self._began = time.monotonic()
        synchronised(self.model).optimizer.learning_rate = self.learning_rate()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count, tell, and stop when the schedule's minutes are over."""
        self._step += 1
        if self.tell is not None:
            self.tell(batch + 1, self.params["steps"], self.remaining())
        if self._schedule.minutes is not None and self.progress() >= 1.0:
            self.model.stop_training = True


class RunningAverage(keras.callbacks.Callback):  # type: ignore[misc]
    """An exponential moving average of every weight, batch-normalisation statistics included."""

    def __init__(self, model: keras.Model, momentum: float) -> None:
        """Begin at the model's weights; with momentum 0 the average is the weights themselves."""
        super().__init__()
        self._averaged, self._momentum = model, momentum
        self._steps = self._moved = 0
        self.arrays = model.get_weights()

    def reset(self) -> None:
        """Begin again at the model's weights."""
        self.arrays = self._averaged.get_weights()

    def restore(self, arrays: Sequence[Array], steps: int) -> None:
        """Go on from a checkpoint's average, made in so many steps."""
        self.arrays = [np.array(array) for array in arrays]
        self._steps = self._moved = steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count, and move where it is time."""
        self._steps += 1
        if self._steps - self._moved >= _STEPS_A_MOVE:
            self._move()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Catch up: what is validated and saved has every step in it, however short an epoch is."""
        if self._steps > self._moved:
            self._move()

    def _move(self) -> None:
        """Move towards the weights; faster at first, or the beginning would be remembered for too long."""
        synchronised(self.model)
        momentum = min(self._momentum, (1 + self._steps) / (10 + self._steps)) ** (self._steps - self._moved)
        self._moved = self._steps
        for average, weight in zip(self.arrays, self._averaged.get_weights(), strict=True):
            np.add(average, (1 - momentum) * (weight - average), out=average)


def synchronised(model: keras.Model) -> keras.Model:
    """Return ``model`` with its variables up to date in the midst of `fit`, where JAX keeps them elsewhere."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()
    return model
