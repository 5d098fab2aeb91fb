import keras
import numpy as np
import pytest

from export.network.backbones import backbone
from export.network.mix_style import MixStyle
from export.network.recipe import Network

MAPS = np.random.default_rng(5).normal(2, 3, (8, 6, 4, 5)).astype(np.float32)
MAPS *= np.linspace(0.5, 2, 8, dtype=np.float32)[:, None, None, None]


def _statistics(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return maps.mean(axis=(1, 2)), maps.std(axis=(1, 2))


def test_nothing_is_mixed_when_not_training_or_at_probability_0() -> None:
    assert np.array_equal(np.asarray(MixStyle(1.0)(MAPS, training=False)), MAPS)
    assert np.asarray(MixStyle(0.0)(MAPS, training=True)) == pytest.approx(MAPS, abs=1e-4)


def test_a_mixed_picture_keeps_its_content_and_lies_between_two_styles() -> None:
    mixed = np.asarray(MixStyle(1.0, concentration=1.0, seed=3)(MAPS, training=True))
    means, deviations = _statistics(MAPS)
    new_means, new_deviations = _statistics(mixed)
    changed = 0
    for row in range(len(MAPS)):
        content = (MAPS[row] - means[row]) / deviations[row]
        assert (mixed[row] - new_means[row]) / new_deviations[row] == pytest.approx(content, abs=1e-3)
        # One λ and one other picture explain every channel's mean and deviation.
        fits = []
        for other in range(len(MAPS)):
            step = np.concatenate([means[other] - means[row], deviations[other] - deviations[row]])
            moved = np.concatenate([new_means[row] - means[row], new_deviations[row] - deviations[row]])
            share = float(step @ moved / max(float(step @ step), 1e-12))
            fits.append((float(np.abs(moved - share * step).max()), share))
        off, share = min(fits)
        assert off < 1e-3
        assert -1e-3 <= share <= 1 + 1e-3
        changed += not np.allclose(mixed[row], MAPS[row], atol=1e-2)
    assert changed >= 4


def test_a_backbone_with_it_has_the_same_weights_and_the_same_maps_when_it_serves() -> None:
    plain = backbone(Network(alpha=0.35, height=64, width=32), weights="none")
    mixing = backbone(Network(alpha=0.35, height=64, width=32, mix_style=1.0), weights="none")
    assert sum(isinstance(layer, MixStyle) for layer in mixing.layers) == 2
    mixing.set_weights(plain.get_weights())
    pictures = np.random.default_rng(0).uniform(-1, 1, (6, 64, 32, 3)).astype(np.float32)
    served = np.asarray(mixing(pictures, training=False))
    assert np.array_equal(served, np.asarray(plain(pictures, training=False)))
    for layer in mixing.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    trained = np.asarray(mixing(pictures, training=True))
    assert np.abs(trained - served).max() > 0.01 * np.abs(served).max()
