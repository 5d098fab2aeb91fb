import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from export.data.splits import IdentitySplit
from export.errors import CannotSave, InvalidCheckpoint
from export.network.recipe import Recipe
from export.training.checkpoint import Checkpoint, replace
from export.training.run_folder import RunFolder

SPLIT = IdentitySplit(0, ("anna", "ben"), ("cleo",))


def _checkpoint(size: int = 10) -> Checkpoint:
    weights = [np.arange(size, dtype=np.float32), np.array(3.0, np.float32)]
    return Checkpoint({"history": [{"epoch": 1, "loss": 0.5}]}, weights, [weights[0] + 1], [np.array(7, np.int64)])


@contextmanager
def _no_file_may_exceed(size: int) -> Iterator[None]:
    """Make the kernel refuse longer files with EFBIG, as a full disk refuses with ENOSPC: in the midst of a write."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    _checkpoint().write(tmp_path / "checkpoint.npz")
    again = Checkpoint.read(tmp_path / "checkpoint.npz")
    assert again.facts == _checkpoint().facts
    for group in ("weights", "average", "optimizer"):
        for ours, theirs in zip(getattr(_checkpoint(), group), getattr(again, group), strict=True):
            assert np.array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype


def test_a_disk_that_fills_up_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.keep(_checkpoint())
    with _no_file_may_exceed(20_000), pytest.raises(CannotSave, match="free some space"):
        folder.keep(_checkpoint(size=100_000))
    assert len(Checkpoint.read(folder.checkpoint).weights[0]) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.npz", "history.csv"]


def test_a_disk_too_full_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(CannotSave, match="MB left; expected at least"):
        RunFolder(tmp_path).begin(Recipe(), SPLIT, needed_bytes=10**18)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(CannotSave, match="choose another folder"):
        RunFolder(tmp_path / "run").begin(Recipe(), SPLIT, needed_bytes=1)


@pytest.mark.parametrize(
    "damage", [lambda content: content[: len(content) // 2], lambda content: b"", lambda content: b"x" * 99]
)
def test_a_torn_checkpoint_is_refused(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    path = tmp_path / "checkpoint.npz"
    _checkpoint().write(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InvalidCheckpoint, match="no whole checkpoint"):
        Checkpoint.read(path)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(CannotSave, match="No space left on device"):
        replace(path, fail)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
