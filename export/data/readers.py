"""Readers of labelled images: a folder per person, Market-style names, or a CSV/JSONL manifest.

`read` finds out which of them a path is. Readers list; they decode nothing (`export.data.inspection` does).
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from export.data.dataset import Dataset, Problem, Sample
from export.data.manifest import SUFFIXES as MANIFEST_SUFFIXES
from export.data.manifest import read_manifest
from export.errors import InvalidData

Layout: TypeAlias = Literal["auto", "folders", "market", "manifest"]

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})

# person, camera, sequence, frame, box: Zheng et al., "Scalable Person Re-identification", ICCV 2015
_MARKET_NAME = re.compile(r"(?P<person>-?\d+)_c(?P<camera>\d+)s(?P<sequence>\d+)_(?P<frame>\d+)(_\d+)?")
_JUNK = frozenset({"-1", "0000"})  # Market's marks for a false detection and for a bystander
_PAUSE = 250  # frames: ten seconds at Market's 25 a second, after which a person's next picture is another moment


def read(path: Path, layout: Layout = "auto") -> Dataset:
    """List the labelled images under ``path``; raises InvalidData when there are none."""
    if not path.exists():
        raise InvalidData(f"there is nothing at {path}", expected="a folder of images or a manifest file")
    chosen = _layout_of(path) if layout == "auto" else layout
    reader = {"folders": read_folders, "market": read_market, "manifest": read_manifest}[chosen]
    dataset = reader(path)
    if not dataset.samples:
        problems = dataset.problems
        reasons = f"; {problems[0].path.name}: {problems[0].reason}" if problems else ""
        raise InvalidData(
            f"{path} holds no labelled image (read as '{chosen}'; {len(problems)} left out{reasons})",
            expected="folder/PERSON/image.jpg, or names like 0002_c1s1_000451_03.jpg, or a .csv or .jsonl manifest",
        )
    return dataset


def read_folders(root: Path) -> Dataset:
    """Read ``root/PERSON/**/image``: the first folder's name is the identity."""
    samples = []
    files, problems = _files(root)
    for path in files:
        parts = path.relative_to(root).parts
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            problems.append(Problem(path, f"'{path.suffix}' is no image format that is read"))
        elif len(parts) < 2:
            problems.append(Problem(path, "it lies in no person's folder"))
        else:
            samples.append(Sample(path, parts[0]))
    return Dataset(str(root), "folders", tuple(samples), tuple(problems))


def read_market(root: Path) -> Dataset:
    """Read Market-style names; the marks for false detections and bystanders are left out, with the reason."""
    named = []
    files, problems = _files(root)
    for path in files:
        name = _MARKET_NAME.fullmatch(path.stem)
        if name is None or path.suffix.lower() not in IMAGE_SUFFIXES:
            problems.append(Problem(path, "its name is not like 0002_c1s1_000451_03.jpg"))
        elif name["person"] in _JUNK:
            problems.append(Problem(path, f"{name['person']} marks a false detection or a bystander, not a person"))
        else:
            named.append((path, name))
    return Dataset(str(root), "market", _with_moments(named), tuple(problems))


def _with_moments(named: Sequence[tuple[Path, re.Match[str]]]) -> tuple[Sample, ...]:
    """Name each picture's moment: a person's pictures of one sequence without a pause of ten seconds in between."""
    samples = {}
    last: dict[tuple[str, ...], tuple[int, int]] = {}
    for path, name in sorted(named, key=lambda pair: int(pair[1]["frame"])):
        sequence, frame = name.group("person", "camera", "sequence"), int(name["frame"])
        before, moment = last.get(sequence, (frame, frame))
        if frame - before > _PAUSE:
            moment = frame
        last[sequence] = (frame, moment)
        camera = f"c{name['camera']}"
        samples[path] = Sample(path, name["person"], camera, None, f"{camera}s{name['sequence']}f{moment}")
    return tuple(samples[path] for path, _ in named)


def _layout_of(path: Path) -> Layout:
    if path.is_file():
        if path.suffix.lower() in MANIFEST_SUFFIXES:
            return "manifest"
        raise InvalidData(f"{path} is a file of an unknown kind", expected="a folder, or a .csv or .jsonl manifest")
    images = (file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    first = next(images, None)
    return "market" if first is not None and _MARKET_NAME.fullmatch(first.stem) else "folders"


def _files(root: Path) -> tuple[list[Path], list[Problem]]:
    """List the files below ``root``, sorted, through links too, without hidden ones, and what could not be listed."""
    if not root.is_dir():
        raise InvalidData(f"{root} is no folder", expected="a folder of images, or --layout auto or manifest")
    files: list[Path] = []
    problems: list[Problem] = []

    def walk(folder: Path, above: frozenset[Path]) -> None:
        real = folder.resolve()
        if real in above:
            problems.append(Problem(folder, "the link leads back to a folder that it lies in"))
            return
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            problems.append(Problem(folder, f"the folder cannot be read: {error.strerror}"))
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                walk(entry, above | {real})
            elif entry.is_file():
                files.append(entry)
            else:
                problems.append(Problem(entry, "it is no file, or a link to nothing"))

    walk(root, frozenset())
    return sorted(files), problems
