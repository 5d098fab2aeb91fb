import json
from pathlib import Path

import pytest

from benchmarks import search
from benchmarks.figures import Figure, show, write


def test_a_ratio_is_held_against_its_reach_from_the_right_side() -> None:
    assert Figure("latency", 3.0, 2.0, 1.5, 10).reached
    assert not Figure("latency", 3.1, 2.0, 1.5, 10).reached
    assert Figure("throughput", 96.0, 100.0, 0.95, 10, "1/s", at_least=True).reached
    assert not Figure("throughput", 94.0, 100.0, 0.95, 10, "1/s", at_least=True).reached


def test_figures_are_shown_and_written_with_the_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = [Figure("latency", 3.0, 2.0, 1.5, 10, note="quiet")]
    show(figures)
    assert "reached" in capsys.readouterr().out
    write(figures, tmp_path / "figures.json")
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written["figures"][0]["ratio"] == 1.5
    assert written["machine"]["cores"] >= 1
    assert "qdrant-edge-py" in written["machine"]["libraries"]


def test_the_search_is_measured_and_its_answers_are_brute_forces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PEOPLE", 100)
    monkeypatch.setattr(search, "PROBES", 4)
    figures = search.measure()
    assert all(figure.ours > 0 and figure.ratio > 0 and figure.n == 4 for figure in figures)
