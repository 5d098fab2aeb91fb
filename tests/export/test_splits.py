from pathlib import Path

import pytest

from export.data.dataset import Sample
from export.data.splits import IdentitySplit, identity_disjoint, stratified
from export.errors import InvalidData


def _samples(people: int, moments: int, each: int) -> list[Sample]:
    return [
        Sample(Path(f"{person}-{moment}-{number}.jpg"), str(person), "c1", None, f"m{moment}")
        for person in range(people)
        for moment in range(moments)
        for number in range(each)
    ]


def test_nobody_is_on_both_sides() -> None:
    split = identity_disjoint(_samples(20, 1, 2), held_out=5, seed=3)
    assert len(split.held_out) == 5
    assert set(split.train) | set(split.held_out) == {str(person) for person in range(20)}
    assert not set(split.train) & set(split.held_out)


def test_a_seed_makes_the_same_split_whatever_the_order_of_files() -> None:
    samples = _samples(20, 1, 2)
    assert identity_disjoint(samples, 5, seed=3) == identity_disjoint(samples[::-1], 5, seed=3)
    assert identity_disjoint(samples, 5, seed=3) != identity_disjoint(samples, 5, seed=4)


def test_a_split_is_written_and_read_back(tmp_path: Path) -> None:
    split = identity_disjoint(_samples(6, 1, 2), held_out=2, seed=0)
    split.write(tmp_path / "split.json")
    assert IdentitySplit.read(tmp_path / "split.json") == split


def test_a_file_that_is_no_split_is_refused(tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text('{"seed": 1}')
    with pytest.raises(InvalidData, match="is no split"):
        IdentitySplit.read(tmp_path / "split.json")


def test_a_split_with_a_person_on_both_sides_is_refused() -> None:
    with pytest.raises(InvalidData, match="both sides"):
        IdentitySplit(0, ("anna", "ben"), ("ben",))


def test_too_many_held_out_are_refused() -> None:
    with pytest.raises(InvalidData, match="cannot be held out"):
        identity_disjoint(_samples(3, 1, 2), held_out=2, seed=0)


def test_a_stratified_split_has_every_person_and_no_moment_on_both_sides() -> None:
    samples = _samples(people=4, moments=5, each=3)
    train, test = stratified(samples, test_share=0.3, seed=1)
    assert sorted(map(str, [*train, *test])) == sorted(map(str, samples))
    for person in "0123":
        on_train = {sample.moment for sample in train if sample.identity == person}
        on_test = {sample.moment for sample in test if sample.identity == person}
        assert on_train
        assert on_test
        assert not on_train & on_test


def test_samples_without_a_moment_are_split_one_by_one() -> None:
    samples = [Sample(Path(f"{number}.jpg"), "anna") for number in range(10)]
    train, test = stratified(samples, test_share=0.3, seed=1)
    assert (len(train), len(test)) == (7, 3)


def test_a_person_of_one_moment_cannot_be_split() -> None:
    with pytest.raises(InvalidData, match="of one moment"):
        stratified(_samples(people=2, moments=1, each=4), test_share=0.3, seed=1)
