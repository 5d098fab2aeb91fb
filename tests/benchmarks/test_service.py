from collections.abc import Iterator

import pytest

from benchmarks import bulk, cpu, decode, latency, load, memory, overload, throughput
from benchmarks.bench import Bench, benched
from benchmarks.effort import Effort

SHORT = Effort(rounds=1, seconds=0.3, requests=5, people=3)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with benched(SHORT) as started:
        yield started


def test_the_service_is_measured_against_the_loop(bench: Bench) -> None:
    figures = [*throughput.measure(bench), *latency.measure(bench), *cpu.measure(bench), *bulk.measure(bench)]
    assert [figure.at_least for figure in figures] == [True, True, False, False, False, False, True]
    assert all(figure.n >= 1 and figure.theirs for figure in figures)
    assert all(figure.ours > 0 for figure in figures if "CPU" not in figure.name)


def test_a_server_that_is_asked_for_too_much_refuses_some(bench: Bench) -> None:
    answers = bench.ask(load.open_loop, 2000.0, 0.5).answers
    assert answers.refusals
    assert answers.latencies


def test_overload_is_measured_by_goodput_and_refusals(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "rate_of", lambda served: 1000.0)
    goodput, refusals = overload.measure(bench)
    assert goodput.at_least
    assert refusals.ours > 0
    assert refusals.theirs is None


def test_memory_is_compared_after_requests(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_WARMING_UP", 5)
    monkeypatch.setattr(memory, "_AT_ONCE", 0.3)
    (growth,) = memory.measure(bench)
    assert growth.unit == "MB"
    assert min(bench.rig.memory) > 20e6


def test_reduced_decoding_is_measured_by_time_and_by_top_1() -> None:
    time, same = decode.measure(SHORT)
    assert time.ours > 0
    assert same.n == 6
    assert 0 <= same.ours <= 1


def test_what_the_server_refuses_is_no_answer(bench: Bench) -> None:
    with pytest.raises(AssertionError, match="refused an item"):
        load.streams(bench.rig.address, [b"no picture"], 1, 0.1)
