from dataclasses import replace

import numpy as np
import pytest

from export.evaluation.compare import cosine_between, tpir_change
from export.evaluation.evaluate import evaluate, figures, summary
from tests.export.test_mistakes import embedded


def test_the_change_of_tpir_is_the_difference_of_both_models_tpir() -> None:
    good, bad = evaluate("good", embedded(0.3)), evaluate("bad", embedded(0.8))
    change = tpir_change(good, bad, 0.05)
    assert change.value == pytest.approx(bad.main.tpir(0.05).value - good.main.tpir(0.05).value)
    assert change.low <= change.value <= change.high < 0
    assert tpir_change(good, good).value == 0.0


def test_the_cosine_is_between_both_embeddings_of_one_picture() -> None:
    one = evaluate("one", embedded(0.3))
    turned = evaluate("turned", replace(one.data, embeddings=-one.data.embeddings))
    assert np.allclose(cosine_between(one, one), 1)
    assert np.allclose(cosine_between(one, turned), -1)


def test_models_of_other_dimensions_have_no_cosine_between_them() -> None:
    one = evaluate("one", embedded(0.3))
    wider = np.pad(one.data.embeddings, [(0, 0), (0, 2)])
    assert len(cosine_between(one, evaluate("wider", replace(one.data, embeddings=wider)))) == 0


def test_every_figure_of_a_summary_carries_its_interval_and_n() -> None:
    evaluation = evaluate("one", embedded(0.6))
    for estimate in summary(evaluation).values():
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.n > 0 and estimate.people
    assert figures(evaluation)["verification"]["eer"]["n"] == len(evaluation.pairs.genuine)
