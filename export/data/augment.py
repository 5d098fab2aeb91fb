"""Augmentation of uint8 images by numpy: flip, pad and crop, colour jitter, random erasing.

It runs on the host, outside the graph, so that every Keras backend sees the same pictures.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from gallery.domain import Pixels


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How a training image may be changed. Probabilities are in [0, 1]; jitters are relative."""

    flip: float = 0.5
    shift: float = 0.08  # the most pixels it is moved, as a share of the side; the border is black
    zoom: float = 0.1  # the most it is cut in, as a share of the side
    brightness: float = 0.2
    contrast: float = 0.15
    saturation: float = 0.2
    erase: float = 0.4

    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        """Return a changed copy: uint8 RGB of the same shape."""
        changed = self._moved(image, rng)
        changed = self._coloured(changed, rng)
        if rng.random() < self.erase:
            erase(changed, rng)
        return changed

    def _moved(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        height, width = image.shape[:2]
        scale = 1 + rng.uniform(-self.zoom / 2, self.zoom)
        mirrored = rng.random() < self.flip
        across = width * (rng.uniform(-self.shift, self.shift) + (1 - scale) / 2)
        down = height * (rng.uniform(-self.shift, self.shift) + (1 - scale) / 2)
        matrix = np.array([[scale, 0, across], [0, scale, down]])
        if mirrored:
            matrix[0] = [-scale, 0, width - 1 - across]
        return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)

    def _coloured(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        gain = 1 + rng.uniform(-self.brightness, self.brightness)
        contrast = 1 + rng.uniform(-self.contrast, self.contrast)
        saturation = 1 + rng.uniform(-self.saturation, self.saturation)
        # Saturation, contrast and gain are one linear map of a pixel, which cv2 applies in one pass.
        luma = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
        colours = saturation * np.eye(3) + (1 - saturation) * np.tile(luma, (3, 1))
        offset = np.full((3, 1), (1 - contrast) * float(np.mean(cv2.mean(image)[:3])))
        changed = cv2.transform(image, gain * np.hstack([contrast * colours, offset]))
        return changed.astype(np.uint8, copy=False)


def erase(image: Pixels, rng: np.random.Generator) -> None:
    """Overwrite a random box of ``image`` with its mean colour, in place.

    Area 2–33% of the image and aspect 0.3–3.3 as in Zhong et al., "Random Erasing Data Augmentation" (2017).
    """
    height, width = image.shape[:2]
    area = rng.uniform(0.02, 0.33) * height * width
    aspect = np.exp(rng.uniform(np.log(0.3), np.log(3.3)))
    tall = min(height, max(1, round(np.sqrt(area * aspect))))
    wide = min(width, max(1, round(np.sqrt(area / aspect))))
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    image[top : top + tall, left : left + wide] = image.mean(axis=(0, 1)).astype(np.uint8)
