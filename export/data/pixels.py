"""From samples to pixels: the gallery's own decoding, cropping and resizing, and nothing else."""

from collections.abc import Sequence

import numpy as np

from export.data.dataset import Sample
from gallery.domain import Pixels
from gallery.images import crop, decode, prepare


def original(sample: Sample) -> Pixels:
    """Decode a sample's picture, cut to its region, in its own size: [height, width, 3] uint8."""
    picture = decode(sample.path.read_bytes())
    return picture if sample.region is None else crop(picture, sample.region)


def load(sample: Sample, height: int, width: int) -> Pixels:
    """Decode one sample: uint8 RGB [height, width, 3]; raises InvalidImage or InvalidRegion, OSError."""
    regions = () if sample.region is None else (sample.region,)
    image: Pixels = prepare(sample.path.read_bytes(), regions, height, width)[0]
    return image


def load_all(samples: Sequence[Sample], height: int, width: int) -> Pixels:
    """Decode samples in order: uint8 RGB [len(samples), height, width, 3]."""
    images = np.empty((len(samples), height, width, 3), np.uint8)
    for row, sample in enumerate(samples):
        images[row] = load(sample, height, width)
    return images
