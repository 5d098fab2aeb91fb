"""SIGTERM to a server at full load."""

from pathlib import Path
from threading import Event

from gallery.errors import ServerUnavailable
from tests.chaos.processes import served
from tests.chaos.truth import Truth
from tests.chaos.workers import Work, at_work, calibrating, in_bulk, prepared, singly, streaming

GRACE = 20.0


def test_a_server_at_full_load_ends_well_within_its_grace_and_keeps_all_it_acknowledged(
    tmp_path: Path, model_file: Path
) -> None:
    truth = Truth()
    with served(tmp_path, model_file, "--grace", str(GRACE)) as server:
        cohort = prepared(server.client, truth)
        enough = truth.await_acknowledgements(100)
        work = Work(server.client, truth, cohort, Event())
        load = (singly, singly, singly, in_bulk, in_bulk, calibrating, streaming, streaming)
        with at_work(work, 1, *load) as futures:
            assert enough.wait(timeout=60)
            assert server.terminate() == 0
            for each in futures:  # each has met the end by itself: nothing hangs, and nothing else than this is said
                assert isinstance(each.exception(timeout=60), ServerUnavailable), each.exception()
    assert "Traceback" not in server.log.read_text()
    with served(tmp_path, model_file) as server:
        truth.hold_against(server.client, server.audit)
