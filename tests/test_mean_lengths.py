import uuid

import numpy as np
import pytest

from gallery.domain import Embedding, Neighbour
from gallery.matching import mean_length, mean_lengths
from gallery.matching.mean_lengths import MeanLengths

MODEL, OTHER_MODEL = "0" * 64, "1" * 64


def templates(identity_id: str, count: int) -> list[Neighbour]:
    return [Neighbour(uuid.uuid4(), identity_id, 0.5) for _ in range(count)]


def embeddings_of(neighbours: list[Neighbour], seed: int = 1) -> dict[uuid.UUID, Embedding]:
    rows = np.random.default_rng(seed).normal(size=(len(neighbours), 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return {near.template_id: row for near, row in zip(neighbours, rows.astype(np.float32), strict=True)}


def test_a_length_is_learnt_once_and_known_from_then_on_in_any_order() -> None:
    lengths, ann = MeanLengths(), templates("ann", 3)
    assert lengths.known(MODEL, ann) == ({}, [near.template_id for near in ann])
    given = embeddings_of(ann)
    learnt = lengths.learnt(MODEL, ann, given)
    assert learnt == {"ann": pytest.approx(mean_length(list(given.values())))}
    assert lengths.known(MODEL, ann[::-1]) == (learnt, [])


def test_one_template_agrees_with_itself() -> None:
    assert MeanLengths().known(MODEL, templates("ann", 1)) == ({"ann": 1.0}, [])


def test_another_set_of_templates_or_another_model_is_not_known() -> None:
    lengths, ann = MeanLengths(), templates("ann", 3)
    lengths.learnt(MODEL, ann, embeddings_of(ann))
    assert lengths.known(MODEL, ann[:2])[0] == {}
    assert lengths.known(MODEL, ann + templates("ann", 1))[0] == {}
    assert lengths.known(OTHER_MODEL, ann)[0] == {}


def test_templates_erased_meanwhile_are_left_out_and_nothing_is_remembered_of_the_rest() -> None:
    lengths, ann, bob = MeanLengths(), templates("ann", 3), templates("bob", 2)
    given = embeddings_of(ann[:2])
    assert lengths.learnt(MODEL, ann + bob, given) == {"ann": pytest.approx(mean_length(list(given.values())))}
    assert lengths.known(MODEL, ann)[0] == {}


def test_what_was_not_used_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mean_lengths, "_REMEMBERED", 2)
    lengths, people = MeanLengths(), [templates(name, 2) for name in ("ann", "bob", "cid")]
    for person in people[:2]:
        lengths.learnt(MODEL, person, embeddings_of(person))
    lengths.known(MODEL, people[0])
    lengths.learnt(MODEL, people[2], embeddings_of(people[2]))
    assert [list(lengths.known(MODEL, person)[0]) for person in people] == [["ann"], [], ["cid"]]
