"""kill -9 of a server at work, at moments drawn from seeds: what it acknowledged is there, and nothing else came up.

Each chain of seeds kills one server after another on the same folder, so that a crash meets what earlier ones left.
"""

import random
from pathlib import Path
from threading import Event

import pytest

from gallery.errors import GalleryError
from tests.chaos.processes import served
from tests.chaos.scale import SEEDS
from tests.chaos.truth import Truth
from tests.chaos.workers import Work, at_work, calibrating, in_bulk, prepared, singly

_CHAIN = 5


@pytest.mark.parametrize("first", range(0, SEEDS, _CHAIN))
def test_a_server_killed_at_any_moment_has_all_it_acknowledged_and_nothing_else(
    first: int, tmp_path: Path, model_file: Path
) -> None:
    truth = Truth()
    with served(tmp_path, model_file) as server:
        cohort = prepared(server.client, truth)
        server.kill()
    for seed in range(first, first + _CHAIN):
        dice = random.Random(seed)
        with served(tmp_path, model_file) as server:
            truth.hold_against(server.client, server.audit)
            enough = truth.await_acknowledgements(dice.randint(1, 60))
            work = Work(server.client, truth, cohort, Event())
            with at_work(work, seed, singly, singly, in_bulk, calibrating) as futures:
                assert enough.wait(timeout=60), [each.exception() for each in futures if each.done()]
                work.stop.wait(dice.random() / 50)  # into the middle of something
                assert not any(each.done() for each in futures), "a worker failed before the crash"
                server.kill(alone=dice.random() < 0.2)  # its engine may outlive it for a moment, or not
            for each in futures:
                assert isinstance(each.exception(), GalleryError | None), each.exception()
    with served(tmp_path, model_file) as server:
        truth.hold_against(server.client, server.audit)
