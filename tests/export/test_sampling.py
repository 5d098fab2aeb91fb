from pathlib import Path

import numpy as np
import pytest

from export.data.augment import Augmentation, erase
from export.errors import InvalidRecipe
from export.training.sampling import IdentityBatches, identity_batches
from tests.export.people import drawn_people

LABELS = [0] * 9 + [1] * 5 + [2] * 4 + [3] * 2 + [4]


def test_a_batch_is_p_identities_with_k_images_each() -> None:
    batches = identity_batches(LABELS, 3, 4, np.random.default_rng(0))
    assert batches
    for batch in batches:
        people, counts = np.unique(np.array(LABELS)[batch], return_counts=True)
        assert len(people) == 3
        assert set(counts) == {4}


def test_images_are_repeated_only_to_fill_a_group() -> None:
    batches = identity_batches([0] * 8 + [1] * 8, 2, 4, np.random.default_rng(0))
    assert sorted(np.concatenate(batches)) == list(range(16))


def test_a_seed_an_epoch_and_a_step_give_the_same_pixels(tmp_path: Path) -> None:
    dataset = drawn_people(tmp_path, people=3, views=4)
    first, second = (IdentityBatches(dataset.samples, (64, 32), Augmentation(), (2, 2)) for _ in range(2))
    for batches in (first, second):
        batches.begin(seed=1, epoch=2)
    images, labels = first[1]
    again, _ = second[1]
    assert images.shape == (4, 64, 32, 3)
    assert images.dtype == np.uint8
    assert labels.tolist() == [labels[0]] * 2 + [labels[2]] * 2
    assert np.array_equal(images, again)
    second.begin(seed=1, epoch=3)
    assert not np.array_equal(images, second[1][0])


def test_a_batch_of_more_people_than_there_are_is_refused(tmp_path: Path) -> None:
    dataset = drawn_people(tmp_path, people=2, views=2)
    with pytest.raises(InvalidRecipe, match="cannot be made of 2"):
        IdentityBatches(dataset.samples, (64, 32), Augmentation(), (3, 2))


PICTURE = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
NOTHING = Augmentation(0, 0, 0, 0, 0, 0, 0)


def test_no_augmentation_changes_nothing() -> None:
    assert np.array_equal(NOTHING(PICTURE, np.random.default_rng(0)), PICTURE)


def test_a_flip_is_a_mirror_image() -> None:
    flipped = Augmentation(1, 0, 0, 0, 0, 0, 0)(PICTURE, np.random.default_rng(0))
    assert np.array_equal(flipped, PICTURE[:, ::-1])


def test_colour_jitter_is_saturation_then_contrast_then_brightness() -> None:
    jitter = Augmentation(0, 0, 0, brightness=0.2, contrast=0.15, saturation=0.2, erase=0)
    got = jitter(PICTURE, np.random.default_rng(5)).astype(float)
    rng = np.random.default_rng(5)
    rng.uniform(0, 0), rng.random(), rng.uniform(0, 0), rng.uniform(0, 0)  # the draws of the geometry
    gain, contrast, saturation = (1 + rng.uniform(-most, most) for most in (0.2, 0.15, 0.2))
    pixels = PICTURE.astype(float)
    grey = (pixels @ [0.299, 0.587, 0.114])[..., None]
    pixels = grey + (pixels - grey) * saturation
    pixels = ((pixels - PICTURE.mean()) * contrast + PICTURE.mean()) * gain
    assert np.abs(got - pixels.clip(0, 255)).max() <= 1


def test_erasing_overwrites_one_box_with_one_colour() -> None:
    image = PICTURE.copy()
    erase(image, np.random.default_rng(3))
    rows, columns = np.nonzero((image != PICTURE).any(axis=2))
    box = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert len(np.unique(box.reshape(-1, 3), axis=0)) == 1
    assert 0.015 < box.shape[0] * box.shape[1] / (64 * 32) < 0.34
