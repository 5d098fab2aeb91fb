"""Folders of people who do not exist, for tests of readers and of training."""

from pathlib import Path

from export.data.dataset import Dataset
from export.data.readers import read
from gallery.drawn_people import write_folder


def drawn_people(root: Path, people: int, views: int) -> Dataset:
    """Write a folder per person and read it."""
    write_folder(root, range(people), range(views))
    return read(root)
