from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gallery.drawn_people import draw_person, draw_scene, write_folder
from gallery.images import crop, decode


def test_the_same_person_and_view_are_the_same_picture() -> None:
    assert np.array_equal(draw_person(3, 1), draw_person(3, 1))


def test_a_picture_has_the_size_asked_for() -> None:
    assert draw_person(0, 0).shape == (128, 64, 3)
    assert draw_person(0, 0, height=256, width=128).shape == (256, 128, 3)


def colours_of(person: int, view: int) -> NDArray[np.float64]:
    """Mean colour of three bands down the middle, where the clothes are."""
    middle = draw_person(person, view)[:, 24:40].astype(np.float64)
    colours = np.concatenate([band.mean(axis=(0, 1)) for band in np.array_split(middle[24:112], 3)])
    return np.asarray(colours / np.linalg.norm(colours))


def test_views_of_one_person_are_more_alike_than_different_people() -> None:
    first, second = (np.stack([colours_of(person, view) for person in range(30)]) for view in (0, 1))
    similarity = first @ second.T
    others = (similarity.sum() - np.trace(similarity)) / (30 * 29)
    assert np.diag(similarity).mean() > others + 0.02
    assert (similarity.argmax(axis=1) == np.arange(30)).mean() > 0.3  # 1 in 30 by chance


def test_hundreds_of_people_all_look_different() -> None:
    pictures = {draw_person(person, 0).tobytes() for person in range(200)}
    assert len(pictures) == 200


def test_a_folder_for_each_person_is_written_and_can_be_read_back(tmp_path: Path) -> None:
    paths = write_folder(tmp_path, [4, 7], [0, 1, 2])
    assert len(paths) == 6
    assert len({path.parent for path in paths}) == 2
    assert all(decode(path.read_bytes()).shape == (128, 64, 3) for path in paths)


def test_a_scene_shows_each_person_in_a_box_of_its_own() -> None:
    frame, regions = draw_scene([1, 2, 3], 0)
    assert len(regions) == 3
    assert [region.x for region in regions] == sorted(region.x for region in regions)
    for region in regions:
        assert crop(frame, region).shape[:2] == (region.height, region.width)
        assert region.height > region.width
